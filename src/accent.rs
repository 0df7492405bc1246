//! The accent colour: one colour from the configuration, and what must become of it to stay readable.
//!
//! Contrast is what WCAG 2.2 calls so (§ 1.4.3: 4.5 for text, § 1.4.11: 3 for shapes), computed against the grounds
//! that pages and mails really have. Start from [`Accent`].

use std::fmt;

/// Red, green and blue in sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub [u8; 3]);

const WHITE: Rgb = Rgb([0xff; 3]);
/// Nearly black: the lightest that reads on every colour on which white does not.
const INK: Rgb = Rgb([0x04, 0x04, 0x06]);

/// The ground of pages and mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    /// The least favourable ground of this scheme that the accent stands on.
    const fn ground(self) -> Rgb {
        match self {
            Self::Light => Rgb([0xf4, 0xf5, 0xf7]),
            Self::Dark => Rgb([0x1f, 0x22, 0x28]),
        }
    }

    /// Where a colour goes to stand out from the ground.
    const fn away(self) -> Rgb {
        match self {
            Self::Light => Rgb([0; 3]),
            Self::Dark => WHITE,
        }
    }
}

/// The accent as one scheme needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shades {
    /// Filled shapes: the primary button. The company's own colour, unless the ground swallows it.
    pub fill: Rgb,
    /// The border of a filled shape, which tells a pale one from the ground.
    pub edge: Rgb,
    /// The same under the pointer.
    pub fill_hover: Rgb,
    /// Text on a filled shape.
    pub on_fill: Rgb,
    /// Links and focus rings on the scheme's ground: a little more contrast than must be, for thin letters.
    pub text: Rgb,
}

/// The company's colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent(Rgb);

impl Default for Accent {
    fn default() -> Self {
        Self(Rgb([0x2f, 0x5d, 0xa8]))
    }
}

impl Accent {
    pub const fn new(rgb: [u8; 3]) -> Self {
        Self(Rgb(rgb))
    }

    pub fn shades(self, scheme: Scheme) -> Shades {
        let (ground, away) = (scheme.ground(), scheme.away());
        let fill = self.0.until_contrast(1.3, ground, away);
        let on_fill = if fill.contrast(WHITE) >= 4.5 { WHITE } else { INK };
        // Away from the text on it, so that hovering never costs contrast.
        let deeper = if on_fill == WHITE { Rgb([0; 3]) } else { WHITE };
        Shades {
            fill,
            fill_hover: fill.mix(deeper, 0.14),
            edge: fill.until_contrast(3.0, ground, away),
            on_fill,
            text: self.0.until_contrast(5.5, ground, away),
        }
    }
}

impl Rgb {
    /// From 1 (the same) to 21 (black on white).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// WCAG's relative luminance.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// This colour, moved towards `towards` as little as gives this contrast with `ground`.
    fn until_contrast(self, least: f64, ground: Self, towards: Self) -> Self {
        (0..=50_u8)
            .map(|step| self.mix(towards, f64::from(step) / 50.0))
            .find(|colour| colour.contrast(ground) >= least)
            .unwrap_or(towards)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two bytes lies a byte"
    )]
    fn mix(self, other: Self, share: f64) -> Self {
        let [a, b] = [self.0, other.0];
        let between =
            |from: u8, to: u8| (f64::from(from) * (1.0 - share) + f64::from(to) * share).round() as u8;
        Self([between(a[0], b[0]), between(a[1], b[1]), between(a[2], b[2])])
    }
}

impl fmt::Display for Rgb {
    /// As CSS has it: `#0f766e`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_what_wcag_says() {
        assert!((WHITE.contrast(Rgb([0; 3])) - 21.0).abs() < 0.01);
        assert!((WHITE.contrast(Rgb([0x77; 3])) - 4.48).abs() < 0.01);
    }

    #[test]
    fn every_accent_becomes_readable_in_both_schemes() {
        for red in (0..=255_u8).step_by(51) {
            for green in (0..=255_u8).step_by(51) {
                for blue in (0..=255_u8).step_by(51) {
                    for scheme in [Scheme::Light, Scheme::Dark] {
                        let shades = Accent::new([red, green, blue]).shades(scheme);
                        let ground = scheme.ground();
                        assert!(shades.text.contrast(ground) >= 5.5, "{shades:?}");
                        assert!(shades.fill.contrast(ground) >= 1.3, "{shades:?}");
                        assert!(shades.edge.contrast(ground) >= 3.0, "{shades:?}");
                        assert!(shades.on_fill.contrast(shades.fill) >= 4.5, "{shades:?}");
                        assert!(shades.on_fill.contrast(shades.fill_hover) >= 4.5, "{shades:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_accent_that_is_readable_already_stays_as_it_is() {
        let teal = Accent::new([0x0f, 0x76, 0x6e]).shades(Scheme::Light);
        assert_eq!((teal.fill.to_string(), teal.fill, teal.on_fill), ("#0f766e".into(), teal.edge, WHITE));
    }

    #[test]
    fn a_pale_accent_is_kept_and_gets_a_border() {
        let yellow = Accent::new([0xfa, 0xcc, 0x15]).shades(Scheme::Light);
        assert_eq!((yellow.fill.to_string(), yellow.on_fill), ("#facc15".into(), INK));
        assert_ne!(yellow.edge, yellow.fill);
    }
}
