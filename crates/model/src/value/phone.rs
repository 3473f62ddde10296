//! Telephone numbers in international form (ITU-T E.164), which is the one that means the same everywhere.

/// `+` and 7 to 15 digits, the first not zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Phone(String);

impl Phone {
    /// Reads a number with its country code; blanks, `-`, `.` and `/` between digits are dropped. Brackets are refused: in
    /// `+49 (0)30` they hold a digit that must not be dialled.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('+')?;
        let (digits, separators): (String, String) = rest.chars().partition(char::is_ascii_digit);
        let tidy = rest.starts_with(|c: char| matches!(c, '1'..='9')) && rest.ends_with(|c: char| c.is_ascii_digit());
        let good = tidy && (7..=15).contains(&digits.len()) && separators.chars().all(|c| " -./".contains(c));
        // Twice as long as any number that people write.
        (good && text.len() <= 40).then(|| Self(format!("+{digits}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, normal) in [
            ("+493012345678", "+493012345678"),
            ("+49 30 1234-5678", "+493012345678"),
            ("+1.415.555.2671", "+14155552671"),
            ("+123456789012345", "+123456789012345"),
        ] {
            assert_eq!(Phone::parse(text).map(Phone::into_string).as_deref(), Some(normal));
        }
        for bad in [
            "",
            "+",
            "030 123456",
            "0049301234567",
            "+0301234567",
            "+49 (0)30 1234567",
            "+123456",
            "+1234567890123456",
            "+49301234567 ext 5",
            "+49 30 1234567 ",
            "+ 49301234567",
            "+49３01234567",
            "tel:+49301234567",
        ] {
            assert_eq!(Phone::parse(bad), None, "{bad:?}");
        }
    }
}
