//! Lines of values that borrow from a text.

/// Finds the line of a part of a text.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Looks for the ends of lines once.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The line, from 1, that a part of the text starts on; for a text from elsewhere some line of this one.
    #[must_use]
    pub fn of(&self, part: &str) -> u32 {
        let offset = (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.starts.partition_point(|start| *start <= offset) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_line_that_they_start_on() {
        let text = "a\nbc\n\nd";
        let lines = Lines::new(text);
        assert_eq!([&text[0..1], &text[3..4], &text[6..7]].map(|part| lines.of(part)), [1, 2, 4]);
    }
}
