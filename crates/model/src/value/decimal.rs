//! Exact decimals of at most 18 digits, kept as an integer of `10^-scale` units.

use std::fmt;

use super::date::digits;

/// `units × 10^-scale`. Two decimals are equal when units and scale are: columns keep one scale.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Decimal {
    units: i64,
    scale: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// Not a decimal number at all.
    Shape,
    /// More digits than 18, or than the precision asked for.
    TooLarge,
    /// Digits after the point that the scale cannot hold; rounding is the caller's to decide, so it is refused.
    TooFine,
}

/// The most digits a decimal can have.
pub const MAX_PRECISION: u8 = 18;

impl Decimal {
    pub const fn new(units: i64, scale: u8) -> Self {
        Self { units, scale }
    }

    pub const fn units(self) -> i64 {
        self.units
    }

    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Reads `-?digits(.digits)?` at its own scale, so that `1.50` has scale 2.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
        let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !numeric(whole) || !numeric(fraction) {
            return Err(DecimalError::Shape);
        }
        let fraction = if rest.contains('.') { fraction } else { "" };
        let mut units: i64 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            units = units
                .checked_mul(10)
                .and_then(|u| u.checked_add(i64::from(digit - b'0')))
                .filter(|u| *u < 10i64.pow(MAX_PRECISION.into()))
                .ok_or(DecimalError::TooLarge)?;
        }
        let scale = u8::try_from(fraction.len()).map_err(|_| DecimalError::TooFine)?;
        Ok(Self { units: if negative { -units } else { units }, scale })
    }

    /// The same number at another scale, if it can be held exactly within 18 digits.
    pub fn rescale(self, scale: u8) -> Result<Self, DecimalError> {
        let mut units = self.units;
        for _ in self.scale..scale {
            units = units
                .checked_mul(10)
                .filter(|u| u.abs() < 10i64.pow(MAX_PRECISION.into()))
                .ok_or(DecimalError::TooLarge)?;
        }
        for _ in scale..self.scale {
            if units % 10 != 0 {
                return Err(DecimalError::TooFine);
            }
            units /= 10;
        }
        Ok(Self { units, scale })
    }

    /// How many digits the number has before and after the point, leading zeros aside.
    pub fn fits(self, precision: u8) -> bool {
        self.units.unsigned_abs() < 10u64.pow(precision.min(MAX_PRECISION).into())
    }

    /// Appends the number with exactly `scale` digits after the point.
    pub fn write(self, out: &mut Vec<u8>) {
        let magnitude = self.units.unsigned_abs();
        let one = 10u64.pow(u32::from(self.scale.min(MAX_PRECISION)));
        if self.units < 0 {
            out.push(b'-');
        }
        out.extend_from_slice(itoa::Buffer::new().format(magnitude / one).as_bytes());
        if self.scale > 0 {
            out.push(b'.');
            let fraction = magnitude % one;
            let width = u32::from(self.scale);
            let split = 10u64.pow(9);
            if width > 9 {
                digits(out, i32::try_from(fraction / split).unwrap_or(0), width - 9);
            }
            digits(out, i32::try_from(fraction % split).unwrap_or(0), width.min(9));
        }
    }
}

impl PartialOrd for Decimal {
    /// By number, whatever the scales.
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        let scale = self.scale.max(other.scale);
        let units = |d: &Self| i128::from(d.units) * 10i128.pow((scale - d.scale).into());
        units(self).partial_cmp(&units(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::with_capacity(20);
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for text in [
            "0",
            "1",
            "-1",
            "1.50",
            "0.05",
            "-0.5",
            "999999999999999999",
            "0.000000000000000001",
            "12345678.9876543210",
        ] {
            assert_eq!(Decimal::parse(text).map(|d| d.to_string()).as_deref(), Ok(text));
        }
        for bad in ["", "-", ".", "1.", ".5", "1e3", "+1", " 1", "1,5", "NaN", "--1"] {
            assert_eq!(Decimal::parse(bad), Err(DecimalError::Shape), "{bad:?}");
        }
        assert_eq!(Decimal::parse("1000000000000000000"), Err(DecimalError::TooLarge));
    }

    #[test]
    fn rescales_exactly_or_not_at_all() {
        let d = |text| Decimal::parse(text).unwrap();
        assert_eq!(d("1.5").rescale(2), Ok(d("1.50")));
        assert_eq!(d("1.50").rescale(1), Ok(d("1.5")));
        assert_eq!(d("1.55").rescale(1), Err(DecimalError::TooFine));
        assert_eq!(d("99999999999999999").rescale(2), Err(DecimalError::TooLarge));
        assert!(d("1.5") < d("1.51") && d("2") > d("1.99"));
    }
}
