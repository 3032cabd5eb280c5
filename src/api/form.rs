//! Finds the first form of an HTML page: just enough for a payment page that was written by us, and
//! careful enough for one that was not.
//!
//! This module must not know HTTP.

/// A form, as it would be submitted untouched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form {
    /// `action`; empty where the page itself is meant.
    pub action: String,
    /// True for `method="post"`.
    pub is_post: bool,
    /// Name and value of the fields that are sent in any case.
    pub fields: Vec<(String, String)>,
    /// Name and value of the buttons, of which one is pressed. A name may be empty.
    pub buttons: Vec<(String, String)>,
}

/// Elements whose content is text, not markup.
const RAW: [&str; 4] = ["script", "style", "textarea", "title"];

/// The first form of the page.
pub(super) fn first_form(html: &str) -> Option<Form> {
    let mut tags = Tags { rest: html };
    let opening = tags.find(|tag| tag.name == "form")?;
    let mut form = Form {
        action: opening.value("action").unwrap_or_default().trim().to_owned(),
        is_post: opening.value("method").is_some_and(|method| method.trim().eq_ignore_ascii_case("post")),
        ..Form::default()
    };
    for tag in tags.take_while(|tag| tag.name != "/form") {
        if tag.value("disabled").is_some() {
            continue;
        }
        let name = tag.value("name").unwrap_or_default().to_owned();
        let kind = tag.value("type").map(str::to_ascii_lowercase);
        let value = tag.value("value").map(str::to_owned);
        match (tag.name.as_str(), kind.as_deref()) {
            ("button", None | Some("submit")) | ("input", Some("submit")) => {
                form.buttons.push((name, value.unwrap_or_default()));
            }
            ("input", Some("button" | "reset" | "image" | "file")) => {}
            ("input", _) if name.is_empty() => {}
            ("input", Some("checkbox" | "radio")) if tag.value("checked").is_none() => {}
            ("input", Some("checkbox" | "radio")) => form.fields.push((name, value.unwrap_or_else(|| "on".to_owned()))),
            ("input", _) => form.fields.push((name, value.unwrap_or_default())),
            _ => {}
        }
    }
    Some(form)
}

/// An opening tag, or a closing one with `/` before its name.
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

impl Tag {
    fn value(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Goes through the tags of a page, past comments and past elements that hold text.
struct Tags<'a> {
    rest: &'a str,
}

impl Iterator for Tags<'_> {
    type Item = Tag;

    fn next(&mut self) -> Option<Tag> {
        loop {
            let (_, after) = self.rest.split_once('<')?;
            if let Some(comment) = after.strip_prefix("!--") {
                self.rest = comment.split_once("-->")?.1;
                continue;
            }
            let closing = after.starts_with('/');
            let named = after.strip_prefix('/').unwrap_or(after);
            if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.rest = after;
                continue;
            }
            let end = named.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(named.len());
            let (name, mut rest) = named.split_at(end);
            let name = name.to_ascii_lowercase();
            let mut attributes = Vec::new();
            while let Some((attribute, after)) = attribute(rest) {
                attributes.push(attribute);
                rest = after;
            }
            self.rest = rest;
            if closing {
                return Some(Tag { name: format!("/{name}"), attributes: Vec::new() });
            }
            if RAW.contains(&name.as_str()) {
                self.skip_text(&name);
            }
            return Some(Tag { name, attributes });
        }
    }
}

impl Tags<'_> {
    /// Goes to the closing tag of the element, or to the end of a page that has none.
    fn skip_text(&mut self, name: &str) {
        let lower = self.rest.to_ascii_lowercase();
        let end = lower.find(&format!("</{name}")).unwrap_or(lower.len());
        self.rest = self.rest.get(end..).unwrap_or_default();
    }
}

/// The next attribute of a tag and what comes after it; `None` at the tag's end.
fn attribute(rest: &str) -> Option<((String, String), &str)> {
    let blank = |c: char| c.is_ascii_whitespace();
    let rest = rest.trim_start_matches(|c| blank(c) || c == '/');
    if rest.is_empty() || rest.starts_with('>') {
        return None;
    }
    // A name may begin with '=' and with nothing else that ends one.
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let end = rest.get(first..)?.find(|c| blank(c) || matches!(c, '/' | '>' | '=')).map_or(rest.len(), |at| at + first);
    let (name, rest) = rest.split_at(end);
    let name = name.to_ascii_lowercase();
    let Some(value) = rest.trim_start_matches(blank).strip_prefix('=') else {
        return Some(((name, String::new()), rest));
    };
    let value = value.trim_start_matches(blank);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (value, rest) = if let Some(quote) = quote {
        // A quote that never ends takes the rest of the page with it, as in a browser.
        value.get(1..)?.split_once(quote)?
    } else {
        value.split_at(value.find(|c| blank(c) || c == '>').unwrap_or(value.len()))
    };
    Some(((name, decoded(value)), rest))
}

/// Resolves the character references that escaping for HTML makes.
fn decoded(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        if let Some((c, after)) = reference {
            out.push(c);
            rest = after;
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn character(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "lt" => '<',
        "gt" => '>',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn a_payment_page_is_read() {
        let html = r#"<!doctype html><html><head><title><form action="/no"></title>
            <style>form > a { }</style><script>"<form action='/no'>"</script></head><body>
            <!-- <form action="/commented"> -->
            <p>1 < 2, 3 <4</p>
            <FORM class=wide Method = "POST" action="/pay/cs_1?a=1&amp;b=2">
              <input type="hidden" name="csrf" value="a&quot;b&#39;c&lt;&gt;&#x2F;&nope;&amp;lt;">
              <input name=plain value=un/quoted><input name=empty>
              <input type=checkbox name=agree checked><input type=checkbox name=spam>
              <input type=radio name=card value=good checked/><input type=radio name=card value=bad>
              <input name=off value=1 disabled><input value=nameless><input type=button name=b value=b>
              <button name="decision" value="pay">Pay</button>
              <button type="submit" name='decision' value='decline'>Decline</button>
              <button type="button" name="decision" value="nothing">?</button>
              <input type="submit" name="decision" value="later">
            </FORM>
            <form action="/second"><input name=second></form>"#;
        let form = first_form(html).expect("a form");
        assert_eq!(form.action, "/pay/cs_1?a=1&b=2");
        assert!(form.is_post);
        assert_eq!(
            form.fields,
            pairs(&[
                ("csrf", "a\"b'c<>/&nope;&lt;"),
                ("plain", "un/quoted"),
                ("empty", ""),
                ("agree", "on"),
                ("card", "good")
            ])
        );
        assert_eq!(form.buttons, pairs(&[("decision", "pay"), ("decision", "decline"), ("decision", "later")]));
    }

    #[test]
    fn pages_without_a_whole_form_do_no_harm() {
        for html in ["", "<", "<form", "plain", "<!-- <form>", "<script><form>", "<formula>", "< form>"] {
            let form = first_form(html);
            assert!(form.is_none_or(|form| form == Form::default()), "{html}");
        }
        assert_eq!(first_form("<form action='/a").map(|form| form.action), Some(String::new()));
    }

    proptest! {
        #[test]
        fn any_text_can_be_scanned(html in "(<form |<input |name|=|\"|'|>|<|/|&amp;|&#|;|ä|<!--|-->|<script>| ){0,40}") {
            first_form(&html);
        }

        #[test]
        fn escaped_values_come_back(value in any::<String>()) {
            let escaped = value.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
            let form = first_form(&format!("<form><input name=a value=\"{escaped}\"></form>")).expect("a form");
            prop_assert_eq!(&form.fields, &[("a".to_owned(), value)]);
        }
    }
}
