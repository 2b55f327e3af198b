//! Lines on a page of a given width.

use crate::report::style::{Paint, Signs, Style};
use crate::report::text::{fold, pad, visible, width};

/// Columns of one text, over several lines: an advisory may bring a novel along.
const LONGEST: usize = 800;

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

    pub(super) const fn signs(&self) -> &'static Signs {
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
        let aside = visible(aside);
        let room = self.columns().saturating_sub(width(heading) + 2);
        let aside = self.paint(Paint::Dim, &crate::report::text::fit(&aside, room, self.signs().cut));
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
        self.labelled_with(indent, label, column, "", text);
    }

    /// The same, the prose with a name in front of it that stands out.
    pub(super) fn labelled_with(&mut self, indent: usize, label: (Paint, &str), column: usize, name: &str, text: (Paint, &str)) {
        let start = indent + column;
        let name = visible(name);
        let prose = format!("{name} {}", crate::report::text::prose(text.1));
        let prose = crate::report::text::fit(&prose, LONGEST, self.signs().cut);
        let mut label = pad(&self.paint(label.0, label.1), column);
        if width(&label) > column {
            label.push(' ');
        }
        for (at, line) in fold(&prose, self.columns().saturating_sub(start)).iter().enumerate() {
            let line = match line.strip_prefix(name.as_ref()) {
                Some(rest) if at == 0 && !name.is_empty() => format!("{}{}", self.paint(Paint::Strong, &name), self.paint(text.0, rest)),
                _ => self.paint(text.0, line),
            };
            self.line(&format!("{}{label}{line}", " ".repeat(indent)));
            label = " ".repeat(column);
        }
    }

    /// Rows in aligned columns, two blanks apart; on a screen the last column is cut at the edge. Cells are made visible here.
    pub(super) fn table(&mut self, indent: usize, rows: &[Vec<(Paint, String)>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let rows: Vec<Vec<(Paint, String)>> = rows
            .iter()
            .map(|row| row.iter().map(|(paint, cell)| (*paint, visible(cell).into_owned())).collect())
            .collect();
        let room = if self.style.cuts { self.columns() } else { usize::MAX };
        let widths = widths(&rows, columns, room.saturating_sub(indent));
        for row in &rows {
            let mut line = " ".repeat(indent);
            let mut used = indent;
            for (at, (paint, cell)) in row.iter().enumerate() {
                let last = at + 1 == row.len();
                let room_here = if last { room.saturating_sub(used).max(8) } else { widths[at] };
                let cell = crate::report::text::fit(cell, room_here, self.signs().cut);
                let painted = self.paint(*paint, &cell);
                line.push_str(&if last { painted } else { pad(&painted, widths[at] + 2) });
                used += widths[at] + 2;
            }
            self.line(&line);
        }
    }
}

/// The columns' widths: what they need, the widest made narrower until all fit into `room`; the last takes what is left.
fn widths(rows: &[Vec<(Paint, String)>], columns: usize, room: usize) -> Vec<usize> {
    let need = |at: usize| {
        rows.iter()
            .filter_map(|row| row.get(at))
            .map(|(_, cell)| width(cell))
            .max()
            .unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(need).collect();
    let gaps = 2 * columns.saturating_sub(1);
    // A last column of long prose may be cut first: it is asked to keep 24 columns only.
    if let Some(last) = widths.last_mut() {
        *last = (*last).min(24);
    }
    while widths.iter().sum::<usize>() + gaps > room {
        match widths.iter().enumerate().max_by_key(|(_, width)| **width) {
            Some((at, widest)) if *widest > 8 => widths[at] -= 1,
            _ => break,
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_in_a_log_is_not_cut() {
        let told = |cuts| {
            let mut page = Page::new(Style { cuts, ..Style::PLAIN });
            page.table(2, &[vec![(Paint::Plain, "a".to_owned()), (Paint::Plain, "owner ".repeat(40))]]);
            page.finish()
        };
        assert!(!told(false).contains('…') && told(false).matches("owner").count() == 40);
        assert!(told(true).contains('…'), "the control: a screen's edge cuts");
    }
}
