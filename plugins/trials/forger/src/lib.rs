//! Asks for what it must not have; the setting `do` says what, `subscription` names a line. Only tests run it.

use weir_plugin::{Call, Effect, Error, Event};

weir_plugin::handle_event!(forge);

fn forge(event: &Event, call: &Call) -> Result<Vec<Effect>, Error> {
    let line: String = call.setting("subscription")?.unwrap_or_else(|| event.subject.clone());
    let hold = Effect::new("hold").with("subscription", line).with("reason", "Because").with("effect", "throttled");
    Ok(match call.required::<String>("do")?.as_str() {
        "hold" => vec![hold],
        "tenant" => vec![Effect::new("note").with("text", "Mine").with("tenant", "ten_01939a1c000070008000000000000001"), hold],
        "unknown" => vec![Effect::new("transfer").with("amount", "100")],
        "many" => vec![Effect::new("note").with("text", "Again"); 21],
        "mumble" => vec![Effect::new("note")],
        "twice" => vec![Effect::new("note").with("text", "a").with("text", "b")],
        "fail" => return Err(Error::Failed("not today".into())),
        _ => vec![Effect::new("note").with("text", format!("{} happened", event.kind))],
    })
}
