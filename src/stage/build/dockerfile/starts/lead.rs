//! What a program that starts another leads to.

/// Where a program's words lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead {
    Program(Next),
    /// A shell's text.
    Text(Text),
    /// A program that a loader maps, which needs no permission to be started.
    Mapped(String),
    /// To nothing that can be told.
    Nothing,
}

/// What is started, and how its surroundings differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) words: Vec<String>,
    /// It gets none of the variables.
    pub(super) is_cleared: bool,
    pub(super) assignments: Vec<(String, String)>,
    pub(super) folder: Option<String>,
    /// Whose home folder becomes `HOME`.
    pub(super) home_of: Option<String>,
    /// What is `/` to it.
    pub(super) root: Option<String>,
    /// It is started only if there is something for it.
    pub(super) is_conditional: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    /// `$0`, `$1` …
    pub(super) arguments: Vec<String>,
    pub(super) exits_on_error: bool,
    /// Whose home folder becomes `HOME`.
    pub(super) home_of: Option<String>,
    /// A file that is read before it may set another search path.
    pub(super) reads_profile: bool,
    /// Its options say that it may do something else.
    pub(super) is_doubtful: bool,
    /// It begins in the home folder, with a search path of its own.
    pub(super) is_login: bool,
}

impl Next {
    /// Takes `NAME=value` before the program; gives the words behind it.
    pub(super) fn assign<'w>(&mut self, words: &'w [String]) -> &'w [String] {
        let assigned = |word: &String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let found: Vec<_> = words.iter().map_while(assigned).collect();
        let rest = &words[found.len()..];
        self.assignments.extend(found);
        rest
    }
}
