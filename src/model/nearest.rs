//! Which word somebody may have meant who wrote another one.

/// The word of `known` that is nearest to `written`, where one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (far, word) = known.into_iter().map(|word| (distance(word, written), word)).min()?;
    (far <= word.chars().count() / 2).then_some(word)
}

/// How many letters have to be changed.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in two.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[column + 1];
            row[column + 1] = changed.min(corner + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_that_differs_counts() {
        for (one, two, far) in [("listen", "listen", 0), ("listen", "lisen", 1), ("data", "date", 1), ("", "abc", 3)] {
            assert_eq!(distance(one, two), far);
        }
    }

    #[test]
    fn the_word_that_was_meant_is_found_and_no_other() {
        let known = ["listen", "faults", "user"];
        assert_eq!(nearest("listn", known), Some("listen"));
        assert_eq!(nearest("usr", known), Some("user"));
        assert_eq!(nearest("xyzzy-nothing-like-it", known), None);
        assert_eq!(nearest("listen", []), None);
    }
}
