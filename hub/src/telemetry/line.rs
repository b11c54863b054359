//! Turns an event into one line.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{Sink, escape};

/// Names every JSON line has of its own.
const OWN: [&str; 4] = ["ts", "level", "target", "message"];

/// The layer that writes lines.
pub(super) struct Lines {
    json: Arc<AtomicBool>,
    sink: Sink,
}

impl Lines {
    pub(super) fn new(json: Arc<AtomicBool>, sink: Sink) -> Self {
        Self { json, sink }
    }
}

/// A field's value: numbers and booleans stay what they are in JSON.
#[derive(Debug, Clone)]
enum Value {
    Bare(String),
    Text(String),
}

/// The fields of a span or an event, in the order they were given.
#[derive(Debug, Clone, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), Value::Text(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), Value::Bare(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinities.
        let text = value.to_string();
        self.set(field.name(), if value.is_finite() { Value::Bare(text) } else { Value::Text(text) });
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), Value::Bare(value.to_string()));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(own) = span.extensions().get::<Fields>() {
                own.0.iter().for_each(|(name, value)| fields.set(name, value.clone()));
            }
        }
        event.record(&mut fields);
        let message = match fields.0.iter().position(|(name, _)| *name == "message").map(|at| fields.0.remove(at)) {
            Some((_, Value::Bare(text) | Value::Text(text))) => text,
            None => String::new(),
        };
        let mut time = String::new();
        let _infallible = SystemTime.format_time(&mut Writer::new(&mut time));
        let head = Head { time, level: event.metadata().level(), target: event.metadata().target(), message };
        let line = if self.json.load(Relaxed) { head.json(&fields) } else { head.human(&fields) };
        (self.sink)(line.as_bytes());
    }
}

/// What every line begins with.
struct Head<'a> {
    time: String,
    level: &'a tracing::Level,
    target: &'a str,
    message: String,
}

impl Head<'_> {
    fn json(&self, fields: &Fields) -> String {
        let mut line = format!("{{\"ts\":\"{}\",\"level\":\"", self.time);
        line.push_str(&self.level.as_str().to_ascii_lowercase());
        line.push_str("\",\"target\":");
        escape::quoted(&mut line, self.target);
        line.push_str(",\"message\":");
        escape::quoted(&mut line, &escape::redact(&self.message));
        for (name, value) in &fields.0 {
            line.push(',');
            escape::quoted(&mut line, &field_name(name));
            line.push(':');
            match value {
                Value::Bare(text) => line.push_str(text),
                Value::Text(text) => escape::quoted(&mut line, &escape::redact(text)),
            }
        }
        line.push_str("}\n");
        line
    }

    fn human(&self, fields: &Fields) -> String {
        let mut line = String::new();
        let _infallible = write!(line, "{} {:>5} {}: ", self.time, self.level, self.target);
        escape::readable(&mut line, &escape::redact(&self.message), true);
        for (name, value) in &fields.0 {
            let (Value::Bare(text) | Value::Text(text)) = value;
            line.push(' ');
            line.push_str(name);
            line.push('=');
            escape::readable(&mut line, &escape::redact(text), false);
        }
        line.push('\n');
        line
    }
}

/// The field's name in JSON; one that a line has already gets a prefix (two equal keys would be no JSON to many readers).
fn field_name(name: &'static str) -> Cow<'static, str> {
    // `r#type` is how Rust spells a field called `type`.
    let name = name.strip_prefix("r#").unwrap_or(name);
    if OWN.contains(&name) { Cow::Owned(format!("field_{name}")) } else { Cow::Borrowed(name) }
}
