//! Every kind of page renders in every language, with one h1 and a title; the catalogues have the same keys.
use weir_ui::blocks::{Action, Cell, Chip, Field, Input, Search, Table, Tone};
use weir_ui::pages::{Confirm, Figure, Form, Inset, List, LogIn, Overview, Problem, Register, Section, Show};
use weir_ui::{Frame, Template, i18n};

fn table() -> Table {
    let row = vec![
        Cell::link("/sites/1", "Mill Lane"),
        Cell::status(Tone::Bad, "Unreachable"),
        Cell::Code("10.20.0.2/32".into()),
        Cell::Number("44.90".into()),
        Cell::Post { action: "/holds/1/release".into(), text: "Release".into() },
        Cell::Progress { done: 3, all: 4, words: "3 of 4".into() },
    ];
    Table::new(["Site", "Status", "Address", "Price", "Hold", "Progress"].map(str::to_owned).to_vec(), vec![row])
}

fn section() -> Section {
    let action = Some(Action::post("/subscribers/1/accounts", "Open"));
    Section { title: "Accounts".into(), action, table: table(), empty: "None yet.".into() }
}

fn inset(error: &str) -> Inset {
    let field = |name, input, value: &str| Field {
        name,
        label: name.to_owned(),
        hint: "Two letters.".into(),
        input,
        value: value.into(),
        error: error.into(),
    };
    let choice = Input::Choice(vec![("a".into(), "A".into()), ("b".into(), "B".into())]);
    let fields = vec![
        field("line", Input::Line("text"), "<b>"),
        field("lines", Input::Lines, "one"),
        field("choice", choice, "b"),
        field("tick", Input::Tick, "yes"),
        field("of", Input::Hidden, "1"),
    ];
    let (title, action) = ("Place a hold".into(), "/holds".into());
    Inset { title, action, submit: "Save".into(), problem: error.into(), fields }
}

fn samples(frame: &Frame) -> Vec<(&'static str, String)> {
    let (title, lede) = ("Mill Lane".to_owned(), "A place.".to_owned());
    let up = || ("/sites".to_owned(), "Sites".to_owned());
    let list = |table: Table| List {
        frame,
        title: title.clone(),
        lede: lede.clone(),
        action: Some(Action::go("/sites/new", "New")),
        search: Some("mi".into()),
        table,
        empty: "None yet.".into(),
        next: Some("/sites?after=1".into()),
    };
    let show = Show {
        frame,
        up: up(),
        title: title.clone(),
        lede: lede.clone(),
        actions: vec![Action::post("/routers/1/enroll", "Enroll")],
        command: Some(("weir-agent run".into(), "Run this line.".into())),
        facts: vec![("Address".into(), Cell::Text("Mill Lane 4".into()))],
        sections: vec![section()],
        form: Some(inset("")),
    };
    let form = |error: &str| Form { frame, up: up(), title: title.clone(), lede: lede.clone(), form: inset(error) };
    let figure = Figure { label: "Active".into(), value: "4,812".into(), unit: "of 5,000".into() };
    let overview = Overview {
        frame,
        title: title.clone(),
        lede: lede.clone(),
        action: None,
        figures: vec![figure],
        routers: section(),
    };
    let log_in = LogIn { frame, email: "a@b.example".into(), next: "/".into(), problem: "Wrong.".into() };
    let (detail, help, slug) = ("no site".into(), "Check it.".into(), "site-not-found".into());
    let problem = Problem { frame, title: title.clone(), detail, help, slug };
    let rendered = [
        ("list", list(table()).render()),
        ("empty list", list(Table::default()).render()),
        ("show", show.render()),
        ("form", form("").render()),
        ("form with errors", form("Must not be empty.").render()),
        ("overview", overview.render()),
        ("log-in", log_in.render()),
        ("problem", problem.render()),
    ];
    rendered.into_iter().chain(of_the_books(frame)).map(|(name, html)| (name, html.expect("samples render"))).collect()
}

fn of_the_books(frame: &Frame) -> [(&'static str, askama::Result<String>); 2] {
    let (title, lede) = ("Mill Lane".to_owned(), "A place.".to_owned());
    let chip = Chip { href: "/invoices?status=open".into(), text: "Open".into(), chosen: true };
    let register = Register {
        frame,
        title: title.clone(),
        lede: lede.clone(),
        actions: vec![Action::go("/payments/new", "Record"), Action::go("/overdue-checks", "Check")],
        figures: vec![Figure { label: "Open".into(), value: "€30.00".into(), unit: String::new() }],
        sections: vec![section()],
        heading: "Entries".into(),
        chips: vec![chip],
        search: Some(Search { label: "Number".into(), value: "<b>".into(), kept: vec![("status", "open".into())] }),
        table: table(),
        empty: "None yet.".into(),
        next: Some("/invoices?after=1".into()),
    };
    let confirm = Confirm {
        frame,
        up: ("/sites".to_owned(), "Sites".to_owned()),
        title: title.clone(),
        lede: lede.clone(),
        facts: vec![("Address".into(), Cell::Text("Mill Lane 4".into()))],
        sections: vec![section()],
        form: inset("Nothing was removed."),
        danger: true,
    };
    [("register", register.render()), ("confirm", confirm.render())]
}

#[test]
fn samples_render_in_every_language() {
    for lang in i18n::LANGUAGES {
        for (name, html) in samples(&Frame::sample(lang)) {
            assert_eq!(html.matches("<h1>").count(), 1, "{lang} {name}");
            assert!(html.contains("<title>Mill Lane") || name == "log-in", "{lang} {name}");
            assert!(!html.contains("<script>") && !html.contains("style="), "{lang} {name}: inline script or style");
            assert!(!html.contains("<b>\""), "{lang} {name}: unescaped");
        }
    }
}

#[test]
fn a_form_keeps_what_was_typed_and_says_what_is_wrong() {
    let frame = Frame::sample("en");
    let pages = samples(&frame);
    let (_, html) = pages.iter().find(|(name, _)| *name == "form with errors").expect("the sample");
    assert!(html.contains(r#"value="&#60;b&#62;""#), "{html}");
    assert!(html.contains(r#"<option value="b" selected>"#), "{html}");
    assert!(html.contains(r#"aria-invalid="true" aria-describedby="line-error""#), "{html}");
}

#[test]
fn catalogues_have_the_same_keys_and_placeholders() {
    let entries = |lang: &str| -> Vec<(String, usize)> {
        let path = format!("{}/locales/{lang}/main.ftl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("a catalogue");
        let entries = text.lines().filter_map(|line| line.split_once(" = "));
        entries.map(|(key, message)| (key.to_owned(), message.matches("{ $").count())).collect()
    };
    for lang in i18n::LANGUAGES {
        assert_eq!(entries(lang), entries("en"), "{lang}");
    }
}
