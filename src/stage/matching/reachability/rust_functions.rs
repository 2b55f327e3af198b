//! Functions in a Rust source: where each is written, and whether it can be in a program without leaving a line.

use super::rust_tokens::{Token, tokens};

/// A body of fewer lines may be folded into whoever calls it: casts and getters have no instruction of their own (tried with rustc 1.95).
const SHORT: usize = 5;
/// Functions that lie deeper, and heads that are longer, are not looked for: people write 10 and 300.
const MOST_DEPTH: usize = 64;
const MOST_OF_A_HEAD: usize = 10_000;

/// One definition of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// The lines from its head to its end, from 1.
    pub(super) first: u32,
    pub(super) last: u32,
    /// The names in the head of the `impl` or `trait` around it.
    pub(super) of: Vec<String>,
    /// Why it may be in a program without leaving a line.
    pub(super) hidden: Option<Hidden>,
}

/// Why a function may be in a program without leaving a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    /// It has no body: its code is elsewhere.
    Elsewhere,
    /// The compiler may compute it.
    Constant,
    /// It is written in a macro.
    Macro,
    /// It is so short, or so straight, that it may be folded into whoever calls it.
    Folded,
}

impl Hidden {
    /// In words that follow the function's name.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Elsewhere => "has no body in its crate",
            Self::Constant => "is `const`, and may be computed by the compiler",
            Self::Macro => "is written in a macro",
            Self::Folded => "is so short that it may be folded into what calls it",
        }
    }
}

/// What a source holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) functions: Vec<Function>,
    /// A public constant or static that is more than a number: it is in a program without a line.
    pub(super) data: Option<String>,
}

/// Braces that are open.
enum Around {
    Holder(Vec<String>),
    Macro,
    Other,
}

/// Reads a source. What is no Rust has no functions.
pub(super) fn read(source: &str) -> Source {
    let tokens = tokens(source);
    let mut found = Source::default();
    let mut around: Vec<Around> = Vec::new();
    let mut next = Around::Other;
    for (at, token) in tokens.iter().enumerate() {
        match token.text {
            "{" => around.push(std::mem::replace(&mut next, Around::Other)),
            "}" => drop(around.pop()),
            ";" => next = Around::Other,
            "impl" | "trait" if is_item(&tokens, at) => next = Around::Holder(head(&tokens[at + 1..])),
            "macro_rules" | "macro" => next = Around::Macro,
            // Those of a trait are as public as it is.
            "const" | "static" if is_public(&tokens[..at]) || matches!(around.last(), Some(Around::Holder(_))) => {
                let data = data(&tokens[at + 1..]);
                found.data = found.data.take().or(data);
            }
            "fn" if around.len() <= MOST_DEPTH => found.functions.extend(function(&tokens, at, &around)),
            _ => {}
        }
    }
    found
}

/// `impl` in a type (`-> impl Iterator`) holds nothing.
fn is_item(tokens: &[Token<'_>], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    before.is_none_or(|token| matches!(token.text, "}" | "{" | ";" | "]" | "unsafe" | "pub" | ")" | "default" | "auto"))
}

/// Names up to what opens.
fn head(tokens: &[Token<'_>]) -> Vec<String> {
    let head = tokens.iter().take_while(|token| !matches!(token.text, "{" | ";"));
    head.filter(|token| token.text.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        .map(|token| token.text.to_owned())
        .collect()
}

fn is_public(before: &[Token<'_>]) -> bool {
    let texts: Vec<&str> = before.iter().rev().take(5).map(|token| token.text).collect();
    // `pub`, `pub(crate)`, `pub(in a::b)`: whatever is more than private.
    matches!(texts.as_slice(), ["pub", ..] | [")", ..])
}

/// The name of a constant that is more than a number: `NAME: &[…]`.
fn data(after: &[Token<'_>]) -> Option<String> {
    const NUMBERS: [&str; 16] = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64", "bool", "char",
    ];
    let start = usize::from(after.first()?.text == "mut");
    let (name, colon, sort) = (after.get(start)?, after.get(start + 1)?, after.get(start + 2)?);
    (colon.text == ":" && !NUMBERS.contains(&sort.text)).then(|| name.text.to_owned())
}

fn function(tokens: &[Token<'_>], at: usize, around: &[Around]) -> Option<Function> {
    // `fn(u8)` is a type.
    let mut name = tokens.get(at + 1)?;
    if name.text == "r" && tokens.get(at + 2)?.text == "#" {
        name = tokens.get(at + 3)?;
    }
    name.text.starts_with(|c: char| c.is_alphabetic() || c == '_').then_some(())?;
    let open = opening(tokens, at)?;
    let body = match tokens[open].text {
        "{" => &tokens[open..=closing(tokens, open)],
        _ => &[],
    };
    let before = tokens[..at]
        .iter()
        .rev()
        .take_while(|token| matches!(token.text, "const" | "unsafe" | "async" | "extern" | "safe"));
    let is_constant = before.into_iter().any(|token| token.text == "const");
    let holder = around.iter().rev().find_map(|around| match around {
        Around::Holder(names) => Some(names.clone()),
        _ => None,
    });
    let hidden = match body {
        [] => Some(Hidden::Elsewhere),
        _ if around.iter().any(|around| matches!(around, Around::Macro)) => Some(Hidden::Macro),
        _ if is_constant => Some(Hidden::Constant),
        body => (!leaves_lines(body)).then_some(Hidden::Folded),
    };
    Some(Function {
        name: name.text.to_owned(),
        first: tokens[at].line,
        last: body.last().unwrap_or(&tokens[open]).line,
        of: holder.unwrap_or_default(),
        hidden,
    })
}

/// What opens the body of a function, or ends one without: outside of brackets.
fn opening(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let mut depth = 0u32;
    for (number, token) in tokens.iter().enumerate().skip(at).take(MOST_OF_A_HEAD) {
        match token.text {
            "(" | "[" => depth += 1,
            ")" | "]" => depth = depth.checked_sub(1)?,
            "{" | ";" if depth == 0 => return Some(number),
            _ => {}
        }
    }
    None
}

/// What closes a brace; the end of the source where nothing does.
fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0u32;
    for (number, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "{" => depth += 1,
            "}" if depth == 1 => return number,
            "}" => depth -= 1,
            _ => {}
        }
    }
    tokens.len() - 1
}

/// It decides something at run time, on lines of its own: jumps stay where inlining and folding have taken all else.
fn leaves_lines(body: &[Token<'_>]) -> bool {
    let inner = &body[1..body.len().max(2) - 1];
    let decides = inner
        .iter()
        .any(|token| matches!(token.text, "if" | "match" | "for" | "while" | "loop"));
    let mut lines: Vec<u32> = inner.iter().map(|token| token.line).collect();
    lines.dedup();
    decides && lines.len() >= SHORT
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
impl<A: Array> SmallVec<A> {
    pub fn insert_many<I: IntoIterator>(&mut self, index: [u8; { 2 }], iterable: I) -> usize
    where I: Clone {
        let mut n = 0;
        for element in iterable {
            // } is no brace here
            self.push(element);
            n += 1;
        }
        n
    }
    #[inline] pub const fn len(&self) -> usize { self.len }
    pub fn cast(&self) -> impl Iterator<Item = u8> { unsafe { transmute(self) } }
}
pub trait Array { fn size() -> usize; fn twice() -> usize { 2 * Self::size() } }
macro_rules! make { ($n:ident) => { fn in_macro() { loop {
 a();
 b();
 c();
 d();
 e();
} } } }
pub const LIMIT: usize = 4;
impl Array for u8 { const SIZE: usize = 1; }
const HIDDEN: &[u8] = b\"x\";
type F = fn(u8) -> u8;
";

    #[test]
    fn functions_are_found_with_their_lines_and_what_could_hide_them() {
        let found = read(SOURCE);
        let seen: Vec<_> = found
            .functions
            .iter()
            .map(|f| (f.name.as_str(), f.first, f.last, f.hidden))
            .collect();
        assert_eq!(
            seen,
            [
                ("insert_many", 2, 11, None),
                ("len", 12, 12, Some(Hidden::Constant)),
                ("cast", 13, 13, Some(Hidden::Folded)),
                ("size", 15, 15, Some(Hidden::Elsewhere)),
                ("twice", 15, 15, Some(Hidden::Folded)),
                ("in_macro", 16, 22, Some(Hidden::Macro)),
            ]
        );
        assert!(found.functions[0].of.contains(&"SmallVec".to_owned()));
        assert_eq!(found.functions[3].of, ["Array"]);
        assert_eq!(found.data, None);
    }

    #[test]
    fn public_data_is_in_a_program_without_a_line() {
        for (source, name) in [
            ("pub const ROOTS: &[Anchor] = &[];", "ROOTS"),
            ("pub static mut TABLE: [u8; 3] = [1, 2, 3];", "TABLE"),
            ("pub(crate) static A: A = A;", "A"),
            ("impl Lower for Greek { const TABLE: &'static [char] = &[]; }", "TABLE"),
        ] {
            assert_eq!(read(source).data.as_deref(), Some(name), "{source}");
        }
        for source in ["pub const fn f() {}", "pub static N: u8 = 3;", "const X: &str = \"\";"] {
            assert_eq!(read(source).data, None, "{source}");
        }
    }

    #[test]
    fn what_is_no_rust_is_no_panic() {
        for odd in [
            "fn",
            "fn f",
            "fn f(",
            "fn f)",
            "fn f() {",
            "}}}",
            "impl",
            "pub const",
            "fn r#",
            "fn f() { { }",
            "macro_rules",
        ] {
            drop(read(odd));
        }
    }
}
