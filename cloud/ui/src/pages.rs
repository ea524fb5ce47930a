//! The pages themselves: lists, single things, forms, and the few that are like no other.
use askama::Template;

use crate::Frame;
use crate::blocks::{Action, Bars, Cell, Chip, Field, Input, Search, Table};

/// A list of things.
#[derive(Debug, Template)]
#[template(path = "list.html")]
pub struct List<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// How to add one, if this person may.
    pub action: Option<Action>,
    /// What was searched for, if the list can be searched; the search at the top begins one.
    pub search: Option<String>,
    /// This page of the list.
    pub table: Table,
    /// What will be here, for an empty list.
    pub empty: String,
    /// The address of the next page.
    pub next: Option<String>,
}

/// A list of facts of the books, with what they add up to and the ways to narrow it.
#[derive(Debug, Template)]
#[template(path = "register.html")]
pub struct Register<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs, if it is no place of the navigation: address and name.
    pub up: Option<(String, String)>,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// What can be done; the first is what most come for.
    pub actions: Vec<Action>,
    /// What it all adds up to.
    pub figures: Vec<Figure>,
    /// What stands before the list.
    pub sections: Vec<Section>,
    /// The h2 of the list, when something stands before it.
    pub heading: String,
    /// Its readings.
    pub chips: Vec<Chip>,
    /// How to search it.
    pub search: Option<Search>,
    /// This page of the list.
    pub table: Table,
    /// What will be here, for an empty list.
    pub empty: String,
    /// The address of the next page.
    pub next: Option<String>,
}

/// A long record that is narrowed by several questions, all of which stand in the address.
#[derive(Debug, Template)]
#[template(path = "browse.html")]
pub struct Browse<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs, if it is no place of the navigation: address and name.
    pub up: Option<(String, String)>,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// What can be done.
    pub actions: Vec<Action>,
    /// The questions, with their answers.
    pub filters: Vec<Field>,
    /// Whether any is answered.
    pub narrowed: bool,
    /// The address where none is.
    pub all: String,
    /// This page of the record.
    pub table: Table,
    /// What will be here, for an empty record.
    pub empty: String,
    /// The address of the next page.
    pub next: Option<String>,
    /// What follows from it.
    pub sections: Vec<Section>,
}

/// Asks before something is done that cannot be taken back; names the thing and what follows.
#[derive(Debug, Template)]
#[template(path = "confirm.html")]
pub struct Confirm<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs, and where whoever hesitates returns to: address and name.
    pub up: (String, String),
    /// The h1: what is asked.
    pub title: String,
    /// One sentence: what follows.
    pub lede: String,
    /// What it is about: name and value.
    pub facts: Vec<(String, Cell)>,
    /// What would be, in full.
    pub sections: Vec<Section>,
    /// What does it; its button looks dangerous when `danger` says so.
    pub form: Inset,
    /// Whether something is lost.
    pub danger: bool,
}

/// A part of a page under its own heading.
#[derive(Debug, Clone)]
pub struct Section {
    /// The h2.
    pub title: String,
    /// What can be done here.
    pub action: Option<Action>,
    /// What it shows.
    pub table: Table,
    /// What will be here, when it shows nothing.
    pub empty: String,
}

/// One thing with what belongs to it.
#[derive(Debug, Template)]
#[template(path = "show.html")]
pub struct Show<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs: address and name.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// What can be done.
    pub actions: Vec<Action>,
    /// A command to copy, with a sentence about it.
    pub command: Option<(String, String)>,
    /// Name and value.
    pub facts: Vec<(String, Cell)>,
    /// What belongs to it.
    pub sections: Vec<Section>,
    /// A form at the end, when something can be added in place.
    pub form: Option<Inset>,
}

impl Show<'_> {
    /// The class of its form's button: a page has one primary action.
    #[must_use]
    pub fn form_class(&self) -> &'static str {
        if self.actions.iter().any(|action| action.main) { "" } else { "primary" }
    }
    /// Whether a part of it is drawn from live readings.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.sections.iter().any(|part| part.table.chart.is_some())
    }
}

/// A form inside a page.
#[derive(Debug, Clone)]
pub struct Inset {
    /// The h2.
    pub title: String,
    /// Where it posts to.
    pub action: String,
    /// What its button says.
    pub submit: String,
    /// What is wrong with the whole; empty when nothing is.
    pub problem: String,
    /// What it asks.
    pub fields: Vec<Field>,
}

impl Inset {
    /// Whether its questions stand in parts, side by side where there is room.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.fields.iter().any(Field::is_heading)
    }
    /// Whether it sends a file along.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.fields.iter().any(|field| matches!(field.input, Input::File))
    }
}

/// A form, and the 422 answer of its POST.
#[derive(Debug, Template)]
#[template(path = "form.html")]
pub struct Form<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs: address and name.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// The form.
    pub form: Inset,
}

/// The form of a plan: beside it, what a subscriber would pay.
#[derive(Debug, Template)]
#[template(path = "plan_form.html")]
pub struct PlanForm<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs: address and name.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// The form.
    pub form: Inset,
    /// What stands beside it.
    pub preview: PlanPreview,
}

/// What a subscriber would pay: asked for by a button of the form, and while it is filled in.
#[derive(Debug, Clone, Default)]
pub struct PlanPreview {
    /// The h2.
    pub title: String,
    /// What is left out of it.
    pub hint: String,
    /// Of which subscriber.
    pub asks: Vec<Field>,
    /// What its button says.
    pub show: String,
    /// Says that something is to be put right.
    pub wrong_title: String,
    /// What: name of the field and its error.
    pub wrong: Vec<(String, String)>,
    /// The figures most look for.
    pub figures: Vec<Figure>,
    /// The bills, once they are known.
    pub bills: Option<Table>,
    /// Says that there are none.
    pub nothing: String,
}

/// The form of the dunning policy: steps are added and removed by its own buttons, and what it would do is shown below.
#[derive(Debug, Template)]
#[template(path = "policy_form.html")]
pub struct PolicyForm<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs: address and name.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// Where it posts to.
    pub action: String,
    /// What is wrong with the whole; empty when nothing is.
    pub problem: String,
    /// A part for each step.
    pub steps: Vec<StepFields>,
    /// Which kind of step to add.
    pub add: Field,
    /// Everything else, by heading.
    pub parts: Vec<(String, Vec<Field>)>,
    /// What it would do.
    pub preview: Option<Section>,
}

/// One step of a policy in its form.
#[derive(Debug, Clone)]
pub struct StepFields {
    /// What it does.
    pub title: String,
    /// What it asks.
    pub fields: Vec<Field>,
    /// What the form does when the step's own button is pressed.
    pub remove: String,
    /// Says so.
    pub remove_text: String,
}

/// One figure of the overview.
#[derive(Debug, Clone)]
pub struct Figure {
    /// What is counted.
    pub label: String,
    /// How many.
    pub value: String,
    /// Of what, or since when.
    pub unit: String,
}

/// `GET /`.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub struct Overview<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// The h1, which says how things are.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// How to go on.
    pub action: Option<Action>,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What moves right now.
    pub traffic: Section,
    /// The routers, those that need somebody first.
    pub routers: Section,
    /// The newest invoices, for those who may see them, once there are any.
    pub invoices: Option<Section>,
}

/// `GET /analytics`: what the business and the network did.
#[derive(Debug, Template)]
#[template(path = "analytics.html")]
pub struct Analytics<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// The lists that are no sum of a table.
    pub actions: Vec<Action>,
    /// The figures of the month.
    pub figures: Vec<Figure>,
    /// Recurring revenue by month, once there is any.
    pub bars: Option<Bars>,
    /// The tables.
    pub sections: Vec<Section>,
}

/// `GET /log-in`, and the 422 answer of its POST.
#[derive(Debug, Template)]
#[template(path = "log_in.html")]
pub struct LogIn<'a> {
    /// Language and theme; its tenant is the installation's name.
    pub frame: &'a Frame,
    /// The address as typed.
    pub email: String,
    /// Where to go then.
    pub next: String,
    /// What went wrong; empty when nothing did.
    pub problem: String,
}

/// A picture made of squares: a path over a square of this side.
#[derive(Debug, Clone)]
pub struct Picture {
    /// How many squares a side has.
    pub side: usize,
    /// The dark ones.
    pub path: String,
}

/// An authenticator to be enrolled: a picture to read, the same in letters, and a code that confirms it.
#[derive(Debug, Template)]
#[template(path = "second_step.html")]
pub struct SecondStep<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs: address and name.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// What the authenticator reads.
    pub picture: Picture,
    /// The same in letters.
    pub secret: String,
    /// Asks for a code.
    pub form: Inset,
}

/// `GET /join/<token>`: an invitation to the staff, and the 422 answer of its POST.
#[derive(Debug, Template)]
#[template(path = "join.html")]
pub struct Join<'a> {
    /// Language and theme, the inviting tenant's name and hue.
    pub frame: &'a Frame,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// Asks for a password.
    pub form: Inset,
}

/// `GET /pay/<token>`: what an account owes and how to pay it, for whoever has its link.
#[derive(Debug, Template)]
#[template(path = "pay.html")]
pub struct Pay<'a> {
    /// Language, the tenant's name and hue.
    pub frame: &'a Frame,
    /// The h1: how things are.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// What became of what was just done, with how good that is.
    pub told: Option<Cell>,
    /// Pays by card; absent where that cannot be.
    pub form: Option<Inset>,
    /// Leaves a card without paying, when nothing is owed.
    pub leave: Option<Action>,
    /// What is owed.
    pub owed: Section,
    /// How to pay by transfer: heading, name and value.
    pub transfer: Option<(String, Vec<(String, Cell)>)>,
    /// How to reach the ISP.
    pub contact: String,
    /// Leads to the portal.
    pub back: Action,
}

/// A request that was not done, or the page that explains a kind of problem.
#[derive(Debug, Template)]
#[template(path = "problem.html")]
pub struct Problem<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// What it is.
    pub title: String,
    /// What exactly; empty on the explaining page.
    pub detail: String,
    /// What to do about it.
    pub help: String,
    /// Names the kind.
    pub slug: String,
    /// Names the request, to be quoted; empty on the explaining page.
    pub request: String,
}

/// `GET /search`: what was found, by kind.
#[derive(Debug, Template)]
#[template(path = "search.html")]
pub struct Found<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// The h1.
    pub title: String,
    /// One sentence: how much was found.
    pub lede: String,
    /// What was searched for.
    pub query: String,
    /// A part for every kind of which something was found.
    pub found: Vec<Section>,
}

/// `GET /gallery`: every sample in every language's direction and theme, side by side.
#[derive(Debug, Template)]
#[template(path = "gallery.html")]
pub struct Gallery<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// The samples' names.
    pub names: Vec<&'static str>,
    /// Language and theme.
    pub variants: &'a [(&'static str, &'static str)],
}

/// A sample page with every component in every state.
#[derive(Debug, Template)]
#[template(path = "components.html")]
pub struct Components<'a> {
    /// The surroundings.
    pub frame: &'a Frame,
    /// Where this page hangs.
    pub up: (String, String),
    /// The h1.
    pub title: String,
    /// One sentence.
    pub lede: String,
    /// Buttons with their class.
    pub actions: Vec<(Action, &'static str)>,
    /// Chips and tabs: address and words.
    pub places: Vec<(&'static str, String)>,
    /// Figures.
    pub figures: Vec<Figure>,
    /// Every kind of cell.
    pub facts: Vec<(String, Cell)>,
    /// Tables: full, empty, and a chart.
    pub sections: Vec<Section>,
    /// A line of a terminal.
    pub command: String,
    /// A refused form.
    pub form: Inset,
}
