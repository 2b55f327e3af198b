//! How text looks: colour, width, signs. The caller decides (`--color`, `NO_COLOR`, the terminal), reports obey.

/// What the reader's screen can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// True where ANSI colours may be written.
    pub color: bool,
    /// Columns; lines are folded to it, from 40 on.
    pub width: usize,
    /// Whether cells of a table may be cut to the width: a screen can be widened, a log has what it was given.
    pub cuts: bool,
    /// Signs beyond ASCII.
    pub unicode: bool,
}

/// What a piece of text is, from which its colour follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// As it is.
    Plain,
    /// A heading or a name.
    Strong,
    /// Secondary.
    Dim,
    /// For what blocks.
    Bad,
    /// A person should look at it.
    Doubt,
    /// For what is well.
    Good,
    /// A waiver, a link, a command to type.
    Calm,
    /// The verdict's own block, blocked.
    BadBlock,
    /// The verdict's own block, undecidable.
    DoubtBlock,
    /// The verdict's own block, cleared.
    GoodBlock,
}

/// The signs in front of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// Before what blocks.
    pub bad: &'static str,
    /// A person should look.
    pub doubt: &'static str,
    /// Before what is well.
    pub good: &'static str,
    /// Before what is waived.
    pub calm: &'static str,
    /// From this to that.
    pub arrow: &'static str,
    /// Between parts of a line.
    pub dot: &'static str,
    /// Text that was cut.
    pub cut: &'static str,
    /// A horizontal line.
    pub rule: &'static str,
}

const UNICODE: Signs = Signs {
    bad: "✗",
    doubt: "▲",
    good: "✓",
    calm: "○",
    arrow: "→",
    dot: "·",
    cut: "…",
    rule: "─",
};

const ASCII: Signs = Signs {
    bad: "x",
    doubt: "!",
    good: "+",
    calm: "o",
    arrow: "->",
    dot: "-",
    cut: "...",
    rule: "-",
};

impl Style {
    /// For logs and files: no colour, ASCII and Unicode alike, 100 columns, nothing cut from tables.
    pub const PLAIN: Self = Self {
        color: false,
        width: 100,
        cuts: false,
        unicode: true,
    };

    /// The signs it can show.
    #[must_use]
    pub const fn signs(&self) -> &'static Signs {
        if self.unicode { &UNICODE } else { &ASCII }
    }

    /// The text in its colour, or as it is.
    #[must_use]
    pub fn paint(&self, paint: Paint, text: &str) -> String {
        if !self.color || text.is_empty() || paint == Paint::Plain {
            return text.to_owned();
        }
        let code = match paint {
            Paint::Plain | Paint::Strong => "1",
            Paint::Dim => "2",
            Paint::Bad => "1;31",
            Paint::Doubt => "33",
            Paint::Good => "32",
            Paint::Calm => "36",
            Paint::BadBlock => "1;97;41",
            Paint::DoubtBlock => "1;30;43",
            Paint::GoodBlock => "1;97;42",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// The columns that text may take.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.width.max(40)
    }
}
