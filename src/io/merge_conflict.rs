//! Files in the middle of a merge that nobody has finished.

/// The line of a conflict's first mark, from 1, as git and Mercurial write them; none where no conflict begins and ends.
#[must_use]
pub fn begins_at(text: &str) -> Option<u32> {
    let is_mark = |line: &str, mark: &str| {
        line.strip_prefix(mark)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || rest == "\r")
    };
    let mut lines = text.lines().zip(1u32..);
    let begins = lines.find(|(line, _)| is_mark(line, "<<<<<<<"))?.1;
    lines.any(|(line, _)| is_mark(line, ">>>>>>>")).then_some(begins)
}

/// What is wrong, for people; none without a conflict.
#[must_use]
pub fn told(text: &str) -> Option<String> {
    let line = begins_at(text)?;
    Some(format!(
        "merge-conflict marks from line {line} on: decide the conflict, and take them out"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_told_by_its_marks_at_the_beginnings_of_lines() {
        assert_eq!(begins_at("a\n<<<<<<< HEAD\nb\n=======\nc\n>>>>>>> topic\n"), Some(2));
        assert_eq!(begins_at("<<<<<<<\r\n=======\r\n>>>>>>>\r\n"), Some(1));
        for text in [
            "a <<<<<<< b\n>>>>>>> c",
            "<<<<<<<< x\n>>>>>>>> y",
            "<<<<<<< HEAD\n",
            ">>>>>>> a\n",
            "",
        ] {
            assert_eq!(begins_at(text), None, "{text}");
        }
    }
}
