//! Every kind of page filled with invented things, for the gallery and for tests. Nothing here is anybody's data.

use askama::Template;

use crate::blocks::{Action, Cell, Chart, Chip, Confirm, Field, Input, Search, Table, Tone};
use crate::conversation::{Attached, Conversation, FirstAnswer, Look, Said, Writing};
use crate::pages::{
    self, Components, Figure, Form, Found, Inset, List, LogIn, Overview, Pay, PlanForm, PlanPreview, PolicyForm,
    Problem, Register, Section, Show, StepFields,
};
use crate::portal::{self, Bars, Home, LineNow, Meter, Owed, Portal, SignIn, Usage, Used};
use crate::{Frame, i18n};

/// Language and theme of each variant of the gallery: both themes in both directions.
pub const VARIANTS: [(&str, &str); 4] = [("en", "light"), ("en", "dark"), ("ar", "light"), ("ar", "dark")];

type Sample = fn(&Frame) -> askama::Result<String>;

/// Name and sample, in the order of the gallery.
pub const SAMPLES: [(&str, Sample); 29] = [
    ("components", components),
    ("overview", |frame| overview(frame, Some(frame.t("overview-quiet"))).render()),
    ("overview-first-day", |frame| overview(frame, None).render()),
    ("list", |frame| list(frame, sites(frame)).render()),
    ("list-empty", |frame| list(frame, Table::default()).render()),
    ("show", show),
    ("form", |frame| form(frame, "").render()),
    ("form-refused", |frame| form(frame, &frame.t("error-required")).render()),
    ("policy-form", policy_form),
    ("plan-form", |frame| plan_form(frame, false).render()),
    ("plan-form-refused", |frame| plan_form(frame, true).render()),
    ("register", register),
    ("browse", browse),
    ("second-step", second_step),
    ("question", question),
    ("conversation", |frame| conversation(frame, false).render()),
    ("conversation-refused", |frame| conversation(frame, true).render()),
    ("toast", toast),
    ("search", |frame| search(frame, true).render()),
    ("search-nothing", |frame| search(frame, false).render()),
    ("log-in", |frame| log_in(frame, String::new()).render()),
    ("log-in-refused", |frame| log_in(frame, frame.t("log-in-wrong")).render()),
    ("pay", |frame| pay(frame, true).render()),
    ("pay-received", |frame| pay(frame, false).render()),
    ("problem", problem),
    ("portal-home", portal_home),
    ("portal-usage", portal_usage),
    ("portal-form", portal_form),
    ("portal-sign-in", portal_sign_in),
];

/// The sample of this name as a page.
#[must_use]
pub fn page(name: &str, frame: &Frame) -> Option<askama::Result<String>> {
    SAMPLES.iter().find(|(known, _)| *known == name).map(|(_, sample)| sample(frame))
}

fn components(frame: &Frame) -> askama::Result<String> {
    let actions = vec![
        (Action::go("#primary", frame.t("sites-new")), "primary"),
        (Action::go("#plain", frame.t("edit")), ""),
        (Action::post("#danger", frame.t("holds-place")), "danger"),
        (Action::post("#enroll", frame.t("routers-enroll")).asking(confirm(frame)), ""),
    ];
    let part = |title: &str, table| Section {
        title: frame.t(title),
        action: Some(Action::post("#open", frame.t("accounts-open"))),
        table,
        empty: frame.t("accounts-empty"),
    };
    let page = Components {
        frame,
        up: ("#up".into(), frame.t("nav-overview")),
        title: frame.t("gallery-components"),
        lede: frame.t("gallery-lede"),
        actions,
        places: vec![("#one", frame.t("status-active")), ("#two", frame.t("status-ordered"))],
        figures: figures(frame),
        facts: row(frame)
            .into_iter()
            .map(|cell| (frame.t("status"), cell))
            .chain(tones(frame))
            .chain([(frame.t("messages-text"), Cell::Lines("Hello Amara,\n\nyour line is ready.".into()))])
            .collect(),
        sections: vec![part("nav-sites", drawn(frame)), part("accounts", Table::default()), traffic(frame)],
        command: "sudo weir-agent enroll --token weir1_Zm9yIHNob3cgb25seQ && sudo systemctl restart weir-agent".into(),
        form: inset(frame, &frame.t("error-required")),
    };
    page.render()
}

fn tones(frame: &Frame) -> impl Iterator<Item = (String, Cell)> {
    let tones = [Tone::Ok, Tone::Warn, Tone::Bad, Tone::Mute];
    let keys = ["access-open", "access-walled_garden", "access-closed", "status-ordered"];
    tones.into_iter().zip(keys).map(|(tone, key)| (frame.t("access"), Cell::status(tone, frame.t(key))))
}

fn row(frame: &Frame) -> Vec<Cell> {
    vec![
        Cell::link("#mill-lane", "Mill Lane"),
        Cell::status(Tone::Bad, frame.t("agent-unreachable")),
        Cell::Code("10.20.0.2/32".into()),
        Cell::Text("Delta Bakery Ltd".into()),
        Cell::Number("44.90".into()),
        Cell::Progress { done: 3, all: 4, words: frame.t1("overview-of", "all", "4") },
        Cell::Post { action: "#release".into(), text: frame.t("holds-release") },
    ]
}

fn sites(frame: &Frame) -> Table {
    let names =
        ["site", "status", "prefixes", "subscriber", "price", "accounts", "hold"].map(|key| frame.t(key)).to_vec();
    let mut second = row(frame);
    second[0] = Cell::link("#harbour", "Harbour");
    second[1] = Cell::status(Tone::Ok, frame.t("agent-connected"));
    Table::new(names, vec![row(frame), second])
}

fn drawn(frame: &Frame) -> Table {
    let hour = |(n, used): (u32, u32)| (format!("{n}:00"), format!("{n}:00: {} %", used / 10), used);
    let bars = (0..).zip([120, 40, 0, 310, 870, 1000]).map(hour).collect();
    sites(frame).under(crate::blocks::Bars::of(frame.t("quality-bars"), bars))
}

fn figures(frame: &Frame) -> Vec<Figure> {
    let figure = |key: &str, value: &str, unit: String| Figure { label: frame.t(key), value: value.into(), unit };
    vec![
        figure("overview-active", "4,812", String::new()),
        figure("overview-held", "36", String::new()),
        figure("overview-connected", "418", frame.t1("overview-of", "all", "419")),
    ]
}

fn confirm(frame: &Frame) -> Confirm {
    Confirm {
        title: frame.t1("routers-again", "name", "edge-north-02"),
        consequence: frame.t("routers-again-lede"),
        yes: frame.t("routers-enroll"),
        no: frame.t("cancel"),
    }
}

fn traffic(frame: &Frame) -> Section {
    Section { title: frame.t("traffic"), action: None, table: Table::live(Chart::of("", frame)), empty: String::new() }
}

fn overview(frame: &Frame, quiet: Option<String>) -> Overview<'_> {
    let new = quiet.is_none();
    let (title, lede) = match quiet {
        Some(lede) => (i18n::t(frame.lang, "overview-reachable", &[("some", "418"), ("all", "419")]), lede),
        None => (frame.t("overview-none"), frame.t("overview-none-lede")),
    };
    let names = ["router", "status", "last-seen"].map(|key| frame.t(key)).to_vec();
    let row = |name: &str, tone, key: &str| {
        vec![Cell::link("#router", name), Cell::status(tone, frame.t(key)), Cell::Text("21 Nov 2026, 22:14".into())]
    };
    let rows = vec![
        row("edge-north-02", Tone::Bad, "agent-unreachable"),
        row("edge-south-01", Tone::Ok, "agent-connected"),
        row("edge-west-04", Tone::Mute, "agent-none"),
    ];
    let routers = Section {
        title: frame.t("nav-routers"),
        action: None,
        table: Table::new(names, if new { Vec::new() } else { rows }),
        empty: frame.t("routers-empty"),
    };
    let action = new.then(|| Action::go("#new", frame.t("routers-new")));
    Overview {
        frame,
        title,
        lede,
        action,
        figures: figures(frame),
        traffic: traffic(frame),
        routers,
        invoices: (!new).then(|| latest_invoices(frame)),
    }
}

fn latest_invoices(frame: &Frame) -> Section {
    let invoice = |number: &str, name: &str, total: &str, tone, key: &str| {
        let status = Cell::status(tone, i18n::t(frame.lang, key, &[("days", "9")]));
        vec![Cell::link("#invoice", number), Cell::link("#account", name), Cell::Number(total.into()), status]
    };
    let names = ["number", "subscriber", "total", "status"].map(|key| frame.t(key)).to_vec();
    let rows = vec![
        invoice("INV-2026-000412", "Amara Okafor", "€44.90", Tone::Ok, "invoice-paid"),
        invoice("INV-2026-000411", "Delta Bakery Ltd", "€189.00", Tone::Mute, "invoice-open"),
        invoice("INV-2026-000410", "Jonas Lindqvist", "€29.90", Tone::Bad, "invoice-overdue"),
    ];
    Section {
        title: frame.t("overview-invoices"),
        action: Some(Action::go("#invoices", frame.t("invoices-all"))),
        table: Table::new(names, rows),
        empty: String::new(),
    }
}

fn list(frame: &Frame, table: Table) -> List<'_> {
    List {
        frame,
        title: frame.t("nav-sites"),
        lede: frame.t("sites-lede"),
        action: Some(Action::go("#new", frame.t("sites-new"))),
        search: Some("mi".into()),
        table,
        empty: frame.t("sites-empty"),
        next: Some("#next".into()),
    }
}

fn show(frame: &Frame) -> askama::Result<String> {
    let show = Show {
        frame,
        up: ("#sites".into(), frame.t("nav-sites")),
        title: "Mill Lane".into(),
        lede: frame.t("sites-show-lede"),
        actions: vec![Action::post("#enroll", frame.t("routers-enroll")).asking(confirm(frame))],
        command: Some((
            "sudo weir-agent enroll --token weir1_Zm9yIHNob3cgb25seQ && sudo systemctl restart weir-agent".into(),
            frame.t("routers-empty"),
        )),
        facts: row(frame).into_iter().map(|cell| (frame.t("status"), cell)).collect(),
        sections: vec![
            traffic(frame),
            Section { title: frame.t("nav-routers"), action: None, table: sites(frame), empty: String::new() },
            Section { title: frame.t("holds"), action: None, table: Table::default(), empty: frame.t("holds-empty") },
        ],
        form: Some(inset(frame, "")),
    };
    show.render()
}

fn inset(frame: &Frame, error: &str) -> Inset {
    let field = |name: &'static str, key: &str, input, value: &str| Field {
        name: name.into(),
        label: frame.t(key),
        hint: frame.t("country-hint"),
        input,
        value: value.into(),
        error: error.into(),
    };
    let choice = Input::Choice(vec![("a".into(), frame.t("hold-manual")), ("b".into(), frame.t("hold-fraud"))]);
    let fields = vec![
        field("line", "name", Input::Line("text"), "<b>"),
        field("lines", "address", Input::Lines, "one"),
        field("choice", "hold", choice, "b"),
        field("tick", "nat", Input::Tick, "yes"),
        field("of", "site", Input::Hidden, "1"),
    ];
    let problem = if error.is_empty() { String::new() } else { frame.t("error-form") };
    Inset { title: frame.t("holds-place"), action: "#send".into(), submit: frame.t("save"), problem, fields }
}

fn form<'a>(frame: &'a Frame, error: &str) -> Form<'a> {
    let up = ("#sites".into(), frame.t("nav-sites"));
    Form { frame, up, title: frame.t("sites-new"), lede: frame.t("sites-lede"), form: inset(frame, error) }
}

fn plan_form(frame: &Frame, refused: bool) -> PlanForm<'_> {
    let error = if refused { frame.t("error-plan-phase") } else { String::new() };
    let [line, lines, choice, ..] = <[Field; 5]>::try_from(inset(frame, &error).fields).expect("five fields");
    let form = Inset { fields: vec![line, lines], ..inset(frame, &error) };
    let preview = PlanPreview {
        title: frame.t("plan-preview"),
        hint: frame.t("plan-preview-hint"),
        asks: vec![choice],
        show: frame.t("plan-preview-show"),
        wrong_title: frame.t("plan-preview-wrong"),
        wrong: if refused { vec![(frame.t("plan-phases"), error)] } else { Vec::new() },
        figures: if refused { Vec::new() } else { figures(frame) },
        bills: (!refused).then(|| sites(frame)),
        nothing: frame.t("plan-preview-nothing"),
    };
    let up = ("#plans".into(), frame.t("nav-plans"));
    PlanForm { frame, up, title: frame.t("plans-new"), lede: frame.t("plans-new-lede"), form, preview }
}

fn policy_form(frame: &Frame) -> askama::Result<String> {
    let step = |n: &str, kind: &str, error: &str| StepFields {
        title: frame.t(kind),
        fields: vec![Field {
            name: format!("step-{n}-days").into(),
            label: frame.t("dunning-days"),
            hint: frame.t("dunning-days-hint"),
            input: Input::Line("number"),
            value: "4".into(),
            error: error.into(),
        }],
        remove: format!("remove-{n}"),
        remove_text: frame.t("dunning-remove"),
    };
    let [line, lines, choice, ..] = <[Field; 5]>::try_from(inset(frame, "").fields).expect("five fields");
    let form = PolicyForm {
        frame,
        up: ("#policy".into(), frame.t("dunning-policy")),
        title: frame.t("dunning-edit"),
        lede: frame.t("dunning-edit-lede"),
        action: "#save".into(),
        problem: frame.t("error-form"),
        steps: vec![
            step("0", "dunning-step-remind", ""),
            step("1", "dunning-step-late_fee", &frame.t("dunning-error-grace")),
        ],
        add: choice,
        parts: vec![(frame.t("dunning-hours"), vec![line, lines])],
        preview: Some(Section {
            title: frame.t("dunning-preview"),
            action: None,
            table: sites(frame),
            empty: String::new(),
        }),
    };
    form.render()
}

fn register(frame: &Frame) -> askama::Result<String> {
    let chip = |href: &str, key: &str, chosen| Chip { href: href.into(), text: frame.t(key), chosen };
    let search = Search { label: frame.t("search-number"), value: "<b>".into(), kept: vec![("status", "open".into())] };
    let register = Register {
        frame,
        up: None,
        title: frame.t("nav-invoices"),
        lede: frame.t("subscribers-lede"),
        actions: vec![Action::go("#record", frame.t("sites-new"))],
        figures: figures(frame),
        sections: Vec::new(),
        heading: frame.t("nav-ledger"),
        chips: vec![chip("#active", "status-active", true), chip("#ordered", "status-ordered", false)],
        search: Some(search),
        table: sites(frame),
        empty: frame.t("accounts-empty"),
        next: Some("#next".into()),
    };
    register.render()
}

fn browse(frame: &Frame) -> askama::Result<String> {
    let browse = pages::Browse {
        frame,
        up: Some(("#sites".into(), frame.t("nav-sites"))),
        title: frame.t("nav-audit"),
        lede: frame.t("audit-lede"),
        actions: vec![Action::go("#csv", frame.t("csv"))],
        filters: inset(frame, "").fields,
        narrowed: true,
        all: "#all".into(),
        table: sites(frame),
        empty: frame.t("audit-none"),
        next: Some("#next".into()),
        sections: vec![Section {
            title: frame.t("nav-sites"),
            action: None,
            table: sites(frame),
            empty: frame.t("audit-none"),
        }],
    };
    browse.render()
}

fn second_step(frame: &Frame) -> askama::Result<String> {
    let field = Field {
        name: "code".into(),
        label: frame.t("second-step-code"),
        hint: frame.t("second-step-code-hint"),
        input: Input::Code,
        value: String::new(),
        error: String::new(),
    };
    let page = pages::SecondStep {
        frame,
        up: ("#preferences".into(), frame.t("second-step")),
        title: frame.t("second-step-begin"),
        lede: frame.t("second-step-begin-lede"),
        picture: pages::Picture { side: 6, path: "M1 1h1v1h-1zM3 1h1v1h-1zM2 2h1v1h-1zM4 4h1v1h-1z".into() },
        secret: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP".into(),
        form: Inset { fields: vec![field], title: frame.t("second-step-confirm"), ..inset(frame, "") },
    };
    page.render()
}

fn question(frame: &Frame) -> askama::Result<String> {
    let question = pages::Confirm {
        frame,
        up: ("#sites".into(), frame.t("nav-sites")),
        title: frame.t1("routers-again", "name", "edge-north-02"),
        lede: frame.t("routers-again-lede"),
        facts: vec![(frame.t("address"), Cell::Text("Mill Lane 4".into()))],
        sections: Vec::new(),
        form: inset(frame, ""),
        danger: true,
    };
    question.render()
}

fn conversation(frame: &Frame, refused: bool) -> Conversation<'_> {
    let said = |look, author: &str, how: &str, at: &str, body: String| Said {
        look,
        author: author.into(),
        how: if how.is_empty() { String::new() } else { frame.t(how) },
        at: at.into(),
        body,
        quoted: String::new(),
        files: Vec::new(),
    };
    let told = |key: &str| i18n::t(frame.lang, key, &[("router", "edge-north-02"), ("since", "21 Nov 2026, 22:14")]);
    let mut asked =
        said(Look::Theirs, "Amara Okafor", "ticket-channel-email", "22 Nov 2026, 08:12", told("answer-held"));
    asked.quoted = format!("> {}", frame.t("tickets-lede"));
    asked.files = vec![Attached { href: "#file".into(), name: "speed-test.png".into(), size: "184\u{a0}kB".into() }];
    let status = |key: &str| frame.t(&format!("ticket-status-{key}"));
    let moved = i18n::t(frame.lang, "ticket-change-status", &[("from", &status("new")), ("to", &status("open"))]);
    let entries = vec![
        asked,
        said(Look::Ours, "Lucía Romero", "ticket-side-staff", "22 Nov 2026, 08:40", told("answer-router-unreachable")),
        said(Look::Change, "Lucía Romero", "", "22 Nov 2026, 08:40", moved),
        said(Look::Note, "Jonas Lindqvist", "ticket-note", "22 Nov 2026, 08:55", frame.t("overview-look")),
    ];
    let error = if refused { frame.t("error-required") } else { String::new() };
    let writing = |name, key: &str, files| {
        let field = Field {
            name,
            label: frame.t(key),
            hint: String::new(),
            input: Input::Lines,
            value: String::new(),
            error: error.clone(),
        };
        let problem = if refused { frame.t("problem-attachment-disguised") } else { String::new() };
        let form = Inset {
            title: frame.t(key),
            action: "#send".into(),
            submit: frame.t("ticket-reply-send"),
            problem,
            fields: vec![field],
        };
        Writing { form, files, files_error: error.clone() }
    };
    let mut manage = inset(frame, "");
    manage.title = frame.t("ticket-manage");
    Conversation {
        frame,
        up: ("#tickets".into(), frame.t("nav-tickets")),
        title: "T-2026-000123 · No internet since last night".into(),
        lede: frame.t("ticket-lede-open"),
        states: vec![
            Cell::status(Tone::Warn, frame.t("ticket-priority-high")),
            Cell::status(Tone::Warn, status("open")),
        ],
        answer: FirstAnswer {
            tone: Tone::Bad,
            word: frame.t("ticket-answer-cause"),
            text: told("answer-router-unreachable"),
            evidence: Some(("#router".into(), frame.t("ticket-see-router"))),
            draft: Some(Action::go("#draft", frame.t("ticket-answer-draft"))),
            others: vec![(told("answer-healthy"), Some(("#line".into(), frame.t("ticket-see-line"))))],
        },
        entries,
        reply: Some(writing("reply".into(), "ticket-reply-words", "reply-files")),
        note: Some(writing("note".into(), "ticket-note-new", "note-files")),
        facts: row(frame).into_iter().map(|cell| (frame.t("status"), cell)).collect(),
        manage: Some(manage),
        merge: None,
    }
}

fn toast(frame: &Frame) -> askama::Result<String> {
    let told = Frame { toast: Some(frame.t("done-saved")), ..frame.clone() };
    list(&told, sites(frame)).render()
}

fn search(frame: &Frame, found: bool) -> Found<'_> {
    let part = |key: &str| Section { title: frame.t(key), action: None, table: sites(frame), empty: String::new() };
    let parts = if found { vec![part("nav-subscribers"), part("nav-sites")] } else { Vec::new() };
    let lede = match found {
        true => frame.t1("search-found", "count", "4"),
        false => frame.t1("search-nothing", "query", "mil"),
    };
    Found { frame, title: frame.t("search-title"), lede, query: "mil".into(), found: parts }
}

fn log_in(frame: &Frame, problem: String) -> LogIn<'_> {
    LogIn { frame, email: "lucia@northwind.example".into(), next: "/".into(), problem }
}

fn problem(frame: &Frame) -> askama::Result<String> {
    let problem = Problem {
        frame,
        title: "There is no such site".into(),
        detail: "There is no site sit_0193594bd1e27c3f8a6b5d4e3f2a1b0c.".into(),
        help: "Check the address; the thing may also belong to somebody else.".into(),
        slug: "site-not-found".into(),
        request: "0193594b-d1e2-7c3f-8a6b-5d4e3f2a1b0c".into(),
    };
    problem.render()
}

fn pay(frame: &Frame, owes: bool) -> Pay<'_> {
    let rows = vec![vec![
        Cell::Text("INV-2026-000412".into()),
        Cell::Number("21 Nov 2026".into()),
        Cell::Number("€44.90".into()),
    ]];
    let names = ["invoice", "due", "open"].map(|key| frame.t(key)).to_vec();
    let keep = Field {
        name: "keep".into(),
        label: frame.t("pay-keep"),
        hint: frame.t("pay-keep-hint"),
        input: Input::Tick,
        value: String::new(),
        error: String::new(),
    };
    let form = Inset {
        title: String::new(),
        action: "#pay".into(),
        submit: frame.t1("pay-do", "amount", "€44.90"),
        problem: String::new(),
        fields: vec![keep],
    };
    let transfer = vec![
        (frame.t("bank-iban"), Cell::Code("ES91 2100 0418 4502 0005 1332".into())),
        (frame.t("pay-reference"), Cell::Code("RF94 ACC0 0000 1".into())),
    ];
    Pay {
        frame,
        title: if owes { frame.t1("pay-title", "amount", "€44.90") } else { frame.t("pay-nothing") },
        lede: frame.t1("pay-lede", "number", "ACC-000001"),
        told: (!owes).then(|| Cell::status(Tone::Ok, frame.t1("pay-received", "amount", "€44.90"))),
        form: owes.then_some(form),
        leave: (!owes).then(|| Action::post("#leave", frame.t("pay-keep-only"))),
        owed: Section {
            title: frame.t("pay-owed"),
            action: None,
            table: Table::new(names, if owes { rows } else { Vec::new() }),
            empty: String::new(),
        },
        transfer: owes.then(|| (frame.t("pay-transfer"), transfer)),
        contact: "+34 600 000 000".into(),
        back: Action::go("#portal", frame.t("pay-back")),
    }
}

fn portal_home(frame: &Frame) -> askama::Result<String> {
    let own = Portal::sample(frame);
    let line = |name: &str, tone, state: &str, what: &str, advice: String| LineNow {
        name: name.into(),
        status: Cell::status(tone, frame.t(state)),
        what: frame.t1(what, "date", ""),
        advice,
        actions: vec![Action::go("#plan", frame.t("portal-change-plan"))],
        facts: vec![(frame.t("portal-speed"), Cell::Text("500 Mbit/s / 100 Mbit/s".into()))],
        topic: String::new(),
    };
    let walled = frame.t("portal-advice-pay");
    let meter = Some(Meter { percent: 84, tone: Tone::Warn, label: frame.t("portal-usage") });
    let page = Home {
        portal: &own,
        title: frame.t1("portal-title-walled", "lines", "some"),
        lede: frame.t1("portal-hello", "name", "Amara Okafor"),
        lines: vec![
            line("Fibre 500 · Mill Lane 4", Tone::Ok, "portal-state-on", "portal-line-on", String::new()),
            line("Radio 20 · Quay 9", Tone::Bad, "portal-state-walled", "portal-line-walled-unpaid", walled),
        ],
        owed: vec![Owed {
            account: "ACC-000017".into(),
            amount: "€44.90".into(),
            what: frame.t1("portal-owed-late", "date", "1 Nov 2026"),
            tone: Tone::Bad,
            actions: vec![Action::go("#pay", frame.t("portal-pay"))],
            how: "IBAN ES00 0000 0000".into(),
        }],
        used: vec![Used {
            name: "Fibre 500 · Mill Lane 4".into(),
            words: frame.t("portal-usage"),
            meter,
            rule: frame.t("portal-rule-free"),
            more: Action::go("#usage", frame.t("portal-usage-more")),
        }],
        bills: vec![portal::section(frame.t("portal-bills"), sites(frame), String::new())],
    };
    page.render()
}

fn portal_usage(frame: &Frame) -> askama::Result<String> {
    let own = Portal::sample(frame);
    let figures = [3, 8, 0, 12, 7, 1];
    let page = Usage {
        portal: &own,
        up: ("#up".into(), frame.t("portal-nav-home")),
        title: frame.t1("portal-usage-title", "plan", "Fibre 500"),
        lede: frame.t("portal-usage"),
        meter: Some(Meter { percent: 40, tone: Tone::Ok, label: frame.t("portal-usage") }),
        rule: frame.t("portal-rule-unmetered"),
        offers: vec![Action::go("#more", "50 GB more: €5.93")],
        bars: Bars::of(&figures, frame.t("portal-usage-bars"), ("1 Nov 2026".into(), "6 Nov 2026".into())),
        days: portal::section(frame.t("portal-usage-days"), days(frame), String::new()),
        earlier: portal::section(frame.t("portal-usage-earlier"), Table::default(), frame.t("portal-usage-first")),
    };
    page.render()
}

fn days(frame: &Frame) -> Table {
    let of = |day: &str, down: &str, up: &str| {
        vec![Cell::Text(day.into()), Cell::Number(down.into()), Cell::Number(up.into())]
    };
    let names = ["portal-day", "down", "up"].map(|key| frame.t(key)).to_vec();
    Table::new(names, vec![of("6 Nov 2026", "18.2 GB", "1.1 GB"), of("5 Nov 2026", "104.7 GB", "12.4 GB")])
}

fn portal_form(frame: &Frame) -> askama::Result<String> {
    let own = Portal::sample(frame);
    let mut page = portal::Page::saying(&own, frame.t("portal-plans"), frame.t("portal-sign-up-lede"));
    page.up = Some(("#up".into(), frame.t("portal-nav-home")));
    page.sections.push(portal::section(frame.t("portal-plans"), sites(frame), String::new()));
    page.form = Some(inset(frame, &frame.t("error-required")));
    page.trap = true;
    page.render()
}

fn portal_sign_in(frame: &Frame) -> askama::Result<String> {
    let mut own = Portal::sample(frame);
    own.frame.staff.clear();
    SignIn { portal: &own, email: "amara@example.net".into(), problem: frame.t("portal-sign-in-wrong") }.render()
}
