//! The hook `handle-event`: what should be done about something that happened.

pub use crate::bindings::exports::weir::plugins::events::{Effect, Event};
use crate::bindings::exports::weir::plugins::events::Guest;
use crate::{Call, Context, Error, Value};

impl Event {
    /// A fact of the event that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.fact(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A fact of the event.
    pub fn fact(&self, name: &str) -> Option<&Value> {
        self.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl Effect {
    /// Something to be done, by name; add its arguments with [`Effect::with`].
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), arguments: Vec::new() }
    }

    /// With one more argument.
    pub fn with(mut self, name: &str, text: impl Into<String>) -> Self {
        self.arguments.push((name.into(), Value::Text(text.into())));
        self
    }
}

#[doc(hidden)]
pub trait Rule {
    fn effects(event: &Event, call: &Call) -> Result<Vec<Effect>, Error>;
}

#[doc(hidden)]
pub struct Answers<R>(std::marker::PhantomData<R>);

impl<R: Rule + 'static> Guest for Answers<R> {
    fn handle_event(context: Context, event: Event) -> Result<Vec<Effect>, Error> {
        R::effects(&event, &Call::begin(context))
    }
}

/// Exports a function `fn(&Event, &Call) -> Result<Vec<Effect>, Error>` as the plugin.
#[macro_export]
macro_rules! handle_event {
    ($rule:path) => {
        #[doc(hidden)]
        pub struct TheRule;
        impl $crate::Rule for TheRule {
            fn effects(event: &$crate::Event, call: &$crate::Call) -> Result<Vec<$crate::Effect>, $crate::Error> {
                $rule(event, call)
            }
        }
        type TheAnswers = $crate::Answers<TheRule>;
        $crate::bindings::export_handle_event!(TheAnswers with_types_in $crate::bindings);
    };
}
