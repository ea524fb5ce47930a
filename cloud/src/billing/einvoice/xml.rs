//! Writes XML: elements in order, texts escaped. Characters XML cannot hold are left out.

/// XML about to be written.
pub struct Xml {
    out: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// A document whose root element has these attributes.
    pub fn new(root: &'static str, attributes: &[(&str, &str)]) -> Self {
        let mut xml = Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), open: Vec::new() };
        xml.begin(root, attributes);
        xml.open.push(root);
        xml
    }

    /// An element with elements inside.
    pub fn within(&mut self, name: &'static str, inside: impl FnOnce(&mut Self)) {
        self.begin(name, &[]);
        inside(self);
        self.end(name);
    }

    /// An element with a text.
    pub fn text(&mut self, name: &'static str, text: &str) {
        self.with(name, &[], text);
    }

    /// An element with a text, unless that is empty.
    pub fn given(&mut self, name: &'static str, text: &str) {
        if !text.trim().is_empty() {
            self.text(name, text);
        }
    }

    /// An element with attributes and a text.
    pub fn with(&mut self, name: &'static str, attributes: &[(&str, &str)], text: &str) {
        self.begin(name, attributes);
        self.escape(text);
        self.end(name);
    }

    /// The document, with whatever is open closed.
    pub fn finish(mut self) -> String {
        while let Some(name) = self.open.pop() {
            self.end(name);
        }
        self.out.push('\n');
        self.out
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            self.escape(value);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn escape(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' | '\n' => self.out.push(letter),
                '\u{fffe}' | '\u{ffff}' => {}
                control if control < ' ' => {}
                other => self.out.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        let mut xml = Xml::new("a", &[("b", "\"<")]);
        xml.within("c", |xml| xml.text("d", "</d>&\u{0}\u{b}x"));
        xml.given("e", " ");
        let written = "<a b=\"&quot;&lt;\"><c><d>&lt;/d&gt;&amp;x</d></c></a>";
        assert_eq!(xml.finish().lines().nth(1), Some(written));
    }
}
