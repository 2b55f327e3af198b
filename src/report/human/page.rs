//! Lines on a page of a given width.

use crate::report::style::{Paint, Signs, Style};
use crate::report::text::{fold, pad, visible, width};

/// Text under way.
pub(super) struct Page {
    style: Style,
    text: String,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn signs(&self) -> &'static Signs {
        self.style.signs()
    }

    pub(super) fn columns(&self) -> usize {
        self.style.columns()
    }

    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        self.style.paint(paint, text)
    }

    /// A line as it is; foreign text in it was made visible by the caller.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A blank line and a heading with something secondary behind it.
    pub(super) fn heading(&mut self, heading: &str, aside: &str) {
        self.blank();
        let aside = self.paint(Paint::Dim, &visible(aside));
        let heading = self.paint(Paint::Strong, heading);
        self.line(&format!("{heading}  {aside}"));
    }

    /// Foreign prose, folded and indented.
    pub(super) fn prose(&mut self, indent: usize, paint: Paint, text: &str) {
        let text = crate::report::text::prose(text);
        for line in fold(&text, self.columns().saturating_sub(indent)) {
            let line = self.paint(paint, &line);
            self.line(&format!("{}{line}", " ".repeat(indent)));
        }
    }

    /// A label, and foreign prose beside it that folds into its own column.
    pub(super) fn labelled(&mut self, indent: usize, label: (Paint, &str), column: usize, text: (Paint, &str)) {
        let start = indent + column;
        let prose = crate::report::text::prose(text.1);
        let mut label = pad(&self.paint(label.0, label.1), column);
        if width(&label) > column {
            label.push(' ');
        }
        for line in fold(&prose, self.columns().saturating_sub(start)) {
            let line = self.paint(text.0, &line);
            self.line(&format!("{}{label}{line}", " ".repeat(indent)));
            label = " ".repeat(column);
        }
    }

    /// Rows in aligned columns, two blanks apart; the last column is cut at the edge. Cells are made visible here.
    pub(super) fn table(&mut self, indent: usize, rows: &[Vec<(Paint, String)>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let rows: Vec<Vec<(Paint, String)>> = rows
            .iter()
            .map(|row| row.iter().map(|(paint, cell)| (*paint, visible(cell).into_owned())).collect())
            .collect();
        let widths: Vec<usize> = (0..columns)
            .map(|at| {
                let cells = rows.iter().filter_map(|row| row.get(at));
                cells.map(|(_, cell)| width(cell)).max().unwrap_or(0).min(self.columns() / 2)
            })
            .collect();
        for row in &rows {
            let mut line = " ".repeat(indent);
            let mut used = indent;
            for (at, (paint, cell)) in row.iter().enumerate() {
                let last = at + 1 == row.len();
                let room = if last {
                    self.columns().saturating_sub(used).max(8)
                } else {
                    widths[at]
                };
                let cell = crate::report::text::fit(cell, room, self.signs().cut);
                let painted = self.paint(*paint, &cell);
                line.push_str(&if last { painted } else { pad(&painted, widths[at] + 2) });
                used += widths[at] + 2;
            }
            self.line(&line);
        }
    }
}
