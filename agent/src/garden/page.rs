//! The page itself, in the languages of the screens. Pure.

use weir_protocol::desired::{Garden, Line};

struct Words {
    tag: &'static str,
    direction: &'static str,
    title: &'static str,
    unpaid: &'static str,
    quota: &'static str,
    seasonal: &'static str,
    other: &'static str,
    unknown_title: &'static str,
    unknown: &'static str,
    pay: &'static str,
    contact: &'static str,
}

const LANGUAGES: [Words; 5] = [
    Words {
        tag: "en",
        direction: "ltr",
        title: "Your internet access is on hold",
        unpaid: "An invoice is past due. Your access returns seconds after it is paid.",
        quota: "Your data allowance is used up. Your access returns with a top-up or your next billing period.",
        seasonal: "Your line is paused, as was agreed. Contact us when you want it back.",
        other: "Please contact us to have it restored.",
        unknown_title: "We do not know this device yet",
        unknown: "Its address is not assigned to a subscriber. Restart your router; if that does not help, please contact us.",
        pay: "Pay now",
        contact: "Contact",
    },
    Words {
        tag: "es",
        direction: "ltr",
        title: "Su acceso a internet está retenido",
        unpaid: "Hay una factura vencida. Su acceso vuelve segundos después del pago.",
        quota: "Ha agotado sus datos. Su acceso vuelve con una recarga o en su próximo periodo de facturación.",
        seasonal: "Su línea está en pausa, según lo acordado. Contáctenos cuando quiera recuperarla.",
        other: "Contáctenos para restablecerlo.",
        unknown_title: "Todavía no conocemos este dispositivo",
        unknown: "Su dirección no está asignada a ningún abonado. Reinicie su router; si eso no ayuda, contáctenos.",
        pay: "Pagar ahora",
        contact: "Contacto",
    },
    Words {
        tag: "pt-BR",
        direction: "ltr",
        title: "Seu acesso à internet está suspenso",
        unpaid: "Há uma fatura vencida. Seu acesso volta segundos após o pagamento.",
        quota: "Sua franquia de dados acabou. Seu acesso volta com uma recarga ou no próximo período de cobrança.",
        seasonal: "Sua linha está em pausa, como combinado. Fale conosco quando quiser voltar.",
        other: "Fale conosco para restabelecê-lo.",
        unknown_title: "Ainda não conhecemos este aparelho",
        unknown: "O endereço dele não está atribuído a nenhum assinante. Reinicie seu roteador; se não resolver, fale conosco.",
        pay: "Pagar agora",
        contact: "Contato",
    },
    Words {
        tag: "fr",
        direction: "ltr",
        title: "Votre accès à internet est suspendu",
        unpaid: "Une facture est échue. Votre accès revient quelques secondes après le paiement.",
        quota: "Votre volume de données est épuisé. Votre accès revient avec une recharge ou à la prochaine période.",
        seasonal: "Votre ligne est en pause, comme convenu. Contactez-nous pour la rétablir.",
        other: "Contactez-nous pour le rétablir.",
        unknown_title: "Nous ne connaissons pas encore cet appareil",
        unknown: "Son adresse n’est attribuée à aucun abonné. Redémarrez votre routeur ; si cela ne suffit pas, contactez-nous.",
        pay: "Payer maintenant",
        contact: "Contact",
    },
    Words {
        tag: "ar",
        direction: "rtl",
        title: "اتصالك بالإنترنت موقوف",
        unpaid: "توجد فاتورة متأخرة. يعود اتصالك بعد ثوانٍ من الدفع.",
        quota: "انتهت باقة البيانات. يعود اتصالك بعد شحن إضافي أو في فترة الفوترة التالية.",
        seasonal: "خطك متوقف مؤقتًا كما اتفقنا. تواصل معنا عندما تريد إعادته.",
        other: "يرجى التواصل معنا لإعادته.",
        unknown_title: "لا نعرف هذا الجهاز بعد",
        unknown: "عنوانه غير مخصص لأي مشترك. أعد تشغيل جهاز التوجيه؛ وإن لم ينفع ذلك فتواصل معنا.",
        pay: "ادفع الآن",
        contact: "للتواصل",
    },
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;\
    background:light-dark(#fbfaf8,#15181c);color:light-dark(#1d2127,#eceef0)}main{max-width:28rem;padding:2rem}\
    h1{font-size:1.6rem;line-height:1.2}a.pay{display:inline-block;padding:.7rem 1.2rem;border-radius:.4rem;text-decoration:none;\
    background:var(--brand);color:light-dark(#fff,#15181c);font-weight:600}small{opacity:.75}:root{color-scheme:light dark}";

/// The page for a held line, or for a host that is no line's, in the first language asked for that we speak.
pub fn page(garden: &Garden, line: Option<&Line>, accept_language: &str) -> String {
    let pay_url = match line {
        Some(line) if line.pay_url.is_empty() => &garden.pay_url,
        Some(line) => &line.pay_url,
        None => "",
    };
    let words = choose(accept_language, &garden.language);
    let (title, why) = match line.map(|line| line.hold_kind.as_str()) {
        None => (words.unknown_title, words.unknown),
        Some("unpaid") => (words.title, words.unpaid),
        Some("quota") => (words.title, words.quota),
        Some("seasonal") => (words.title, words.seasonal),
        Some(_) => (words.title, words.other),
    };
    let isp = escape(&garden.isp_name);
    let pay = if pay_url.starts_with("http://") || pay_url.starts_with("https://") {
        format!("<p><a class=\"pay\" href=\"{}\">{}</a></p>", escape(pay_url), words.pay)
    } else {
        String::new()
    };
    let contact = if garden.contact.is_empty() {
        String::new()
    } else {
        format!("<p><small>{}: <bdi>{}</bdi></small></p>", words.contact, escape(&garden.contact))
    };
    let (tag, direction, hue) = (words.tag, words.direction, garden.hue % 360);
    format!(
        "<!doctype html><html lang=\"{tag}\" dir=\"{direction}\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>:root{{--brand:light-dark(oklch(.52 .13 {hue}),oklch(.76 .11 {hue}))}}{STYLE}</style>\
         <main><p><bdi>{isp}</bdi></p><h1>{title}</h1><p>{why}</p>{pay}{contact}</main></html>"
    )
}

/// The first asked for that we speak; then the ISP's own; then English.
fn choose(accept_language: &str, own: &str) -> &'static Words {
    let asked = accept_language.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    asked.chain([own]).find_map(spoken).unwrap_or(&LANGUAGES[0])
}

fn spoken(tag: &str) -> Option<&'static Words> {
    let primary = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    let wanted = primary(tag);
    LANGUAGES.iter().find(|words| !wanted.is_empty() && primary(words.tag) == wanted)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
