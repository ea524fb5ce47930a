//! How an ISP sends messages: its mail server and its gateway, and whether they take a message.

use serde_json::json;
use weir_ui::mail::escaped;

use super::deliver::Outcome;
use super::email::{self, Letter, Server};
use super::sms::{self, Gateway};
use super::store::settings::{self as store, SettingsRow};
use super::{
    Channel, EmailSettings, EmailWish, Error, Security, Settings, SmsMethod, SmsSettings, SmsType, SmsWish, Tested,
};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::error::FieldError;
use crate::ids::{MessageId, new_id};
use crate::secrets::Place;
use crate::tenants;

/// Longest of the one-line texts, in characters.
const LINE_MAX: usize = 200;
/// Longest of the others, in characters.
const TEXT_MAX: usize = 10_000;
/// Says that a secret must be given again.
const AGAIN: &str = "must be given again for another server";

/// How the transaction's ISP sends messages.
pub async fn settings(tx: &mut TenantTx) -> Result<Settings, Error> {
    let row = store::settings(tx).await?;
    Ok(Settings {
        email: EmailSettings {
            host: row.smtp_host,
            port: row.smtp_port,
            security: row.smtp_security,
            authority: row.smtp_authority,
            user: row.smtp_user,
            has_password: row.smtp_password.is_some(),
            from_name: row.from_name,
            from_address: row.from_address,
            reply_to: row.reply_to,
        },
        sms: SmsSettings {
            url: row.sms_url,
            method: row.sms_method,
            kind: row.sms_type,
            body: row.sms_body,
            header: row.sms_header,
            has_credential: row.sms_credential.is_some(),
        },
    })
}

/// Changes the mail server. A password stays only with its server: who may name another must know it.
pub async fn change_email(app: &App, tx: &mut TenantTx, wish: EmailWish) -> Result<Settings, Error> {
    let mut row = store::settings(tx).await?;
    let mut errors = check_email(&wish);
    let elsewhere = (&wish.host, i32::from(wish.port), &wish.user) != (&row.smtp_host, row.smtp_port, &row.smtp_user);
    let weaker = wish.security == Security::None && row.smtp_security != Security::None;
    let (password, keeps) = (wish.password.as_deref().unwrap_or_default(), wish.password.is_none());
    if keeps && (elsewhere || weaker) && row.smtp_password.is_some() && !wish.user.is_empty() {
        errors.push(FieldError::new("password", AGAIN));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if !keeps {
        let sealed = app.secrets.seal(password_place(tx), password.as_bytes())?;
        row.smtp_password = Some(sealed).filter(|_| !password.is_empty());
    }
    if wish.user.is_empty() {
        row.smtp_password = None;
    }
    row.smtp_host = wish.host;
    row.smtp_port = wish.port.into();
    row.smtp_security = wish.security;
    row.smtp_authority = wish.authority;
    row.smtp_user = wish.user;
    row.from_name = wish.from_name;
    row.from_address = wish.from_address;
    row.reply_to = wish.reply_to;
    save(tx, &row, "change mail server").await
}

/// Changes the gateway for short messages. Its credential stays only with its address.
pub async fn change_sms(app: &App, tx: &mut TenantTx, wish: SmsWish) -> Result<Settings, Error> {
    let mut row = store::settings(tx).await?;
    let mut errors = check_sms(&wish);
    let elsewhere = (&wish.url, &wish.header) != (&row.sms_url, &row.sms_header);
    let (credential, keeps) = (wish.credential.as_deref().unwrap_or_default(), wish.credential.is_none());
    if keeps && elsewhere && row.sms_credential.is_some() && !wish.header.is_empty() {
        errors.push(FieldError::new("credential", AGAIN));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    if !keeps {
        let sealed = app.secrets.seal(credential_place(tx), credential.as_bytes())?;
        row.sms_credential = Some(sealed).filter(|_| !credential.is_empty());
    }
    if wish.header.is_empty() {
        row.sms_credential = None;
    }
    row.sms_url = wish.url;
    row.sms_method = wish.method;
    row.sms_type = wish.kind;
    row.sms_body = wish.body;
    row.sms_header = wish.header;
    save(tx, &row, "change gateway for short messages").await
}

async fn save(tx: &mut TenantTx, row: &SettingsRow, action: &str) -> Result<Settings, Error> {
    store::save(tx, row).await?;
    let after = settings(tx).await?;
    let (subject, detail) = (tx.tenant(), json!({ "after": after }));
    audit::record(tx, action, subject, detail).await?;
    Ok(after)
}

/// Sends a message to try the settings out, at once, and tells what the server answered. It is not kept.
pub async fn test(app: &App, scope: &Scope, channel: Channel, to: &str, language: &str) -> Result<Tested, Error> {
    let mut tx = app.db.read(scope).await?;
    let tenant = tenants::tenant(&mut tx).await?;
    let say =
        |key: &str| weir_ui::i18n::t(language, key, &[("isp", &tenant.name)]).replace(['\u{2068}', '\u{2069}'], "");
    let (subject, text) = (say("messages-test-subject"), say("messages-test-text"));
    let outcome = match channel {
        Channel::Email => {
            if !email::is_address(to) {
                return Err(Error::Invalid(vec![FieldError::new("to", format!("{to:?} is not an e-mail address"))]));
            }
            let server = server(app, &mut tx).await?;
            if server.host.is_empty() {
                return Err(Error::NotSetUp);
            }
            let at = tx.at();
            drop(tx);
            let id: MessageId = new_id(at);
            let html = format!("<!doctype html><title>{0}</title><p>{1}", escaped(&subject), escaped(&text));
            let letter = Letter {
                id: id.to_string(),
                at,
                to,
                subject: &subject,
                text: &text,
                html: &html,
                reply_to: "",
                attachment: None,
            };
            email::send(&server, &letter).await
        }
        Channel::Sms => {
            let Some(number) = sms::number(to) else {
                return Err(Error::Invalid(vec![FieldError::new("to", format!("{to:?} is not a telephone number"))]));
            };
            let gateway = gateway(app, &mut tx).await?;
            if gateway.url.is_empty() {
                return Err(Error::NotSetUp);
            }
            drop(tx);
            sms::send(&gateway, &number, &text).await
        }
    };
    let tested = match outcome {
        Outcome::Sent(answer) => Tested { accepted: true, answer },
        Outcome::Refused(answer) | Outcome::Deferred(answer) | Outcome::Unsendable(answer) => {
            Tested { accepted: false, answer }
        }
    };
    let mut tx = app.db.begin(scope).await?;
    let (subject, detail) = (tx.tenant(), json!({ "channel": channel, "accepted": tested.accepted }));
    audit::record(&mut tx, "send test message", subject, detail).await?;
    tx.commit().await?;
    Ok(tested)
}

/// The mail server, with its password open.
pub(super) async fn server<'a>(app: &'a App, tx: &mut TenantTx) -> Result<Server<'a>, Error> {
    let place = password_place(tx);
    let row = store::settings(tx).await?;
    let password = row.smtp_password.map(|sealed| app.secrets.unseal_text(place, &sealed)).transpose()?;
    let login = Some((row.smtp_user, password.unwrap_or_default())).filter(|(user, _)| !user.is_empty());
    Ok(Server {
        host: row.smtp_host,
        port: u16::try_from(row.smtp_port).unwrap_or_default(),
        security: row.smtp_security,
        authority: row.smtp_authority,
        login,
        from_name: row.from_name,
        from_address: row.from_address,
        reply_to: row.reply_to,
        config: &app.config,
    })
}

/// The gateway, with its credential open.
pub(super) async fn gateway<'a>(app: &'a App, tx: &mut TenantTx) -> Result<Gateway<'a>, Error> {
    let place = credential_place(tx);
    let row = store::settings(tx).await?;
    let value = row.sms_credential.map(|sealed| app.secrets.unseal_text(place, &sealed)).transpose()?;
    let proof = value.map(|value| (row.sms_header, value));
    Ok(Gateway {
        url: row.sms_url,
        method: row.sms_method,
        kind: row.sms_type,
        body: row.sms_body,
        proof,
        config: &app.config,
    })
}

fn password_place(tx: &TenantTx) -> Place {
    Place::Tenant { tenant: tx.tenant(), column: "message_settings.smtp_password", row: tx.tenant().uuid() }
}

fn credential_place(tx: &TenantTx) -> Place {
    Place::Tenant { tenant: tx.tenant(), column: "message_settings.sms_credential", row: tx.tenant().uuid() }
}

fn check_email(wish: &EmailWish) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let lines = [("user", &wish.user), ("from_name", &wish.from_name), ("host", &wish.host)];
    for (field, text) in lines {
        check_line(field, text, &mut errors);
    }
    if let Some(password) = &wish.password {
        check_line("password", password, &mut errors);
    }
    if !wish.host.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | ':')) {
        errors.push(FieldError::new("host", "must be a host name or an IP address"));
    }
    if wish.port == 0 {
        errors.push(FieldError::new("port", "must be between 1 and 65535"));
    }
    let sender_needed = !wish.host.is_empty() || !wish.from_address.is_empty();
    if sender_needed && !email::is_address(&wish.from_address) {
        errors.push(FieldError::new("from_address", format!("{:?} is not an e-mail address", wish.from_address)));
    }
    if !wish.reply_to.is_empty() && !email::is_address(&wish.reply_to) {
        errors.push(FieldError::new("reply_to", format!("{:?} is not an e-mail address", wish.reply_to)));
    }
    if wish.authority.chars().count() > TEXT_MAX {
        errors.push(FieldError::new("authority", format!("must have at most {TEXT_MAX} characters")));
    } else if !wish.authority.is_empty() && !email::is_certificate(&wish.authority) {
        errors.push(FieldError::new("authority", "must be a certificate in PEM"));
    }
    errors
}

fn check_sms(wish: &SmsWish) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(credential) = &wish.credential {
        check_line("credential", credential, &mut errors);
    }
    let named = wish.header.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_');
    if !named || wish.header.len() > LINE_MAX {
        errors.push(FieldError::new("header", "must be the name of a header, such as Authorization"));
    }
    if wish.body.chars().count() > TEXT_MAX {
        errors.push(FieldError::new("body", format!("must have at most {TEXT_MAX} characters")));
    }
    if wish.url.is_empty() {
        return errors;
    }
    let readable = reqwest::Url::parse(&wish.url.replace("{to}", "0").replace("{text}", "0"));
    let reachable = readable.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !reachable || wish.url.chars().count() > TEXT_MAX {
        errors.push(FieldError::new("url", "must begin with http:// or https:// and name a host"));
    }
    let carried = if wish.method == SmsMethod::Get { wish.url.clone() } else { format!("{}{}", wish.url, wish.body) };
    let missing: Vec<_> = ["{to}", "{text}"].into_iter().filter(|place| !carried.contains(place)).collect();
    if !missing.is_empty() {
        let field = if wish.method == SmsMethod::Get { "url" } else { "body" };
        errors.push(FieldError::new(field, format!("must contain {}", missing.join(" and "))));
    }
    if wish.method != SmsMethod::Get && wish.kind == SmsType::Json && !is_json(&wish.body) {
        errors.push(FieldError::new("body", "must be JSON in which {to} and {text} stand between quotation marks"));
    }
    errors
}

/// Whether the body stays JSON whatever number and text are put into it.
fn is_json(body: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(&sms::body(SmsType::Json, body, "+1", "\"a\" \\ b")).is_ok()
}

fn check_line(field: &str, text: &str, errors: &mut Vec<FieldError>) {
    if text.chars().any(char::is_control) {
        errors.push(FieldError::new(field, "must be one line"));
    }
    if text.chars().count() > LINE_MAX {
        errors.push(FieldError::new(field, format!("must have at most {LINE_MAX} characters")));
    }
}
