//! What a shell's text is made of. Source: POSIX, "Shell Command Language".

/// Commands one after the other.
pub(super) type List = Vec<AndOr>;

/// Pipelines that hang on each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AndOr {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Hangs, Pipeline)>,
    /// It ends with `&`: what follows does not wait for it.
    pub(super) in_background: bool,
    /// It looks at how the command before it ended.
    pub(super) looks_back: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hangs {
    /// `&&`
    OnSuccess,
    /// `||`
    OnFailure,
}

/// Commands that run beside each other.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pipeline {
    pub(super) is_negated: bool,
    pub(super) commands: Vec<Command>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    Simple(Simple),
    /// `{ …; }`
    Group(List),
    /// `( … )`
    Subshell(List),
    /// `if` and `case`: what decides, and what may be run.
    Choice {
        conditions: Vec<List>,
        branches: Vec<List>,
    },
    /// `while`, `until`, `for`, `select`.
    Loop {
        condition: Option<List>,
        /// Whose value is another one in each round.
        variable: Option<String>,
        body: List,
    },
    /// A definition, which runs nothing.
    Function {
        name: String,
        body: Box<Command>,
    },
    /// `[[ … ]]`, `(( … ))`.
    Test,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) assignments: Vec<(String, Word)>,
    /// Without redirections.
    pub(super) words: Vec<Word>,
}

/// A word before it is expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Outside of quotes.
    Bare(String),
    Quoted(String),
    /// `~` at the start.
    Home,
    /// `$NAME`, `$1`, `$@`.
    Value {
        name: String,
        is_quoted: bool,
        /// Something else stands in for an empty one: `${NAME:-x}`.
        has_other: bool,
    },
    /// What only the shell knows: a pattern, what another command says.
    Unknown,
}
