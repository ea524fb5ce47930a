//! E-mail: builds a letter of two forms and a document, and gives it to an SMTP server.

use std::error::Error as _;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self, response::Response};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::Security;
use super::deliver::{Outcome, with_causes};
use crate::config::Config;
use crate::outward;

/// Longest wait for a step of the conversation.
const STEP: Duration = Duration::from_secs(20);
/// Longest conversation; well below a job's lease.
const WHOLE: Duration = Duration::from_secs(120);
/// Replies about who we are, not about the letter: somebody mends the settings and the letter goes out.
const ABOUT_LOGIN: [u16; 5] = [454, 530, 534, 535, 538];

/// A mail server and who writes through it.
pub(super) struct Server<'a> {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub authority: String,
    pub login: Option<(String, String)>,
    pub from_name: String,
    pub from_address: String,
    pub reply_to: String,
    /// Says who we are and which servers may be asked.
    pub config: &'a Config,
}

/// A message as it goes out.
pub(super) struct Letter<'a> {
    /// The same whenever it is given to a server: a second one can be known.
    pub id: String,
    pub at: DateTime<Utc>,
    pub to: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    /// Where answers go, where not to the server's own choice.
    pub reply_to: &'a str,
    pub attachment: Option<(String, Vec<u8>)>,
}

/// Gives a letter to a server.
pub(super) async fn send(server: &Server<'_>, letter: &Letter<'_>) -> Outcome {
    if server.host.is_empty() {
        return Outcome::Deferred("no mail server is set up".into());
    }
    let message = match build(server, letter) {
        Ok(message) => message,
        Err(error) => return Outcome::Unsendable(error),
    };
    let address = match address(server).await {
        Ok(address) => address,
        Err(error) => return Outcome::Deferred(error.to_string()),
    };
    let transport = match transport(server, address) {
        Ok(transport) => transport,
        Err(error) => return Outcome::Deferred(error),
    };
    match tokio::time::timeout(WHOLE, transport.send(message)).await {
        Ok(Ok(response)) => Outcome::Sent(told(&response)),
        Ok(Err(error)) => refused(&error),
        Err(_) => Outcome::Deferred(format!("the server did not finish within {} seconds", WHOLE.as_secs())),
    }
}

/// Whether mail can be sent to or from this address.
pub(super) fn is_address(text: &str) -> bool {
    text.parse::<Address>().is_ok_and(|address| address.domain().contains('.') || address.domain() == "localhost")
}

/// Whether a text is a certificate in PEM.
pub(super) fn is_certificate(pem: &str) -> bool {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::pem_slice_iter(pem.as_bytes()).next().is_some_and(|found| found.is_ok())
        && Certificate::from_pem(pem.as_bytes()).is_ok()
}

fn build(server: &Server<'_>, letter: &Letter<'_>) -> Result<lettre::Message, String> {
    let one_line = |name: &str, text: &str| {
        let whole = !text.chars().any(char::is_control);
        whole.then_some(()).ok_or_else(|| format!("{name} must be one line"))
    };
    one_line("the subject", letter.subject)?;
    one_line("the sender's name", &server.from_name)?;
    let address = |what: &str, text: &str| {
        text.parse::<Address>().map_err(|error| format!("{what} {text:?} is not an e-mail address: {error}"))
    };
    let from = address("the sender's", &server.from_address)?;
    let named = Some(server.from_name.clone()).filter(|name| !name.is_empty());
    let message_id = format!("<{}@{}>", letter.id, from.domain());
    let mut builder = lettre::Message::builder()
        .from(Mailbox::new(named, from))
        .to(Mailbox::new(None, address("the recipient's", letter.to)?))
        .subject(letter.subject)
        .date(letter.at.into())
        .message_id(Some(message_id));
    let reply_to = if letter.reply_to.is_empty() { server.reply_to.as_str() } else { letter.reply_to };
    if !reply_to.is_empty() {
        builder = builder.reply_to(Mailbox::new(None, address("the reply", reply_to)?));
    }
    let both = MultiPart::alternative_plain_html(letter.text.to_owned(), letter.html.to_owned());
    let message = match &letter.attachment {
        None => builder.multipart(both),
        Some((name, pdf)) => {
            let kind = ContentType::parse("application/pdf").map_err(|error| error.to_string())?;
            let document: SinglePart = Attachment::new(name.clone()).body(pdf.clone(), kind);
            builder.multipart(MultiPart::mixed().multipart(both).singlepart(document))
        }
    };
    let mut message = message.map_err(|error| error.to_string())?;
    // Nobody's out-of-office note should answer a program.
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".into()));
    Ok(message)
}

/// Where to connect to. Where not every server may be asked, it is the address that was looked at, not its name again.
async fn address(server: &Server<'_>) -> Result<String, outward::Error> {
    let found = outward::addresses(server.config, &server.host, server.port).await?;
    let looked_at = found.first().filter(|_| server.config.public_servers_only);
    Ok(looked_at.map_or_else(|| server.host.clone(), |address| address.ip().to_string()))
}

/// The host of an address.
fn own_host(url: &str) -> String {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    if host.is_empty() { "localhost".into() } else { host.to_owned() }
}

fn transport(server: &Server<'_>, address: String) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let tls = match server.security {
        Security::None => Tls::None,
        Security::Starttls => Tls::Required(parameters(server)?),
        Security::Tls => Tls::Wrapper(parameters(server)?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address)
        .port(server.port)
        .tls(tls)
        .timeout(Some(STEP))
        .hello_name(ClientId::Domain(own_host(&server.config.public_url)));
    if let Some((user, password)) = &server.login {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    Ok(builder.build())
}

fn parameters(server: &Server<'_>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if !server.authority.is_empty() {
        let authority = Certificate::from_pem(server.authority.as_bytes()).map_err(|error| with_causes(&error))?;
        builder = builder.add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| with_causes(&error))
}

fn told(response: &Response) -> String {
    let words = response.message().collect::<Vec<_>>().join(" ");
    format!("{} {words}", response.code()).trim().to_owned()
}

fn refused(error: &smtp::Error) -> Outcome {
    let Some(code) = error.status() else { return Outcome::Deferred(with_causes(error)) };
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    let answer = format!("{code} {words}").trim().to_owned();
    let about_login = ABOUT_LOGIN.contains(&u16::from(code));
    if error.is_permanent() && !about_login { Outcome::Refused(answer) } else { Outcome::Deferred(answer) }
}
