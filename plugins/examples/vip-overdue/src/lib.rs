//! Somebody important was walled off for not paying: staff are told to call before anything else happens.
//!
//! Settings: `accounts`, their ids, separated by spaces; `text`, what the note says.

use weir_plugin::{Call, Effect, Error, Event};

weir_plugin::handle_event!(effects);

fn effects(event: &Event, call: &Call) -> Result<Vec<Effect>, Error> {
    let important: String = call.required("accounts")?;
    let Some(account) = event.account.as_deref() else { return Ok(Vec::new()) };
    let unpaid = event.kind == "hold.placed" && event.text("kind") == Some("unpaid");
    if !unpaid || !important.split_whitespace().any(|known| known == account) {
        return Ok(Vec::new());
    }
    let text = call.setting("text")?.unwrap_or_else(|| "Call before anything else happens.".to_owned());
    Ok(vec![Effect::new("note").with("text", text)])
}
