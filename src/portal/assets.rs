//! The files that pages load: style sheets, the script, logo and icon, each under a name with its content's hash.
//!
//! A changed file has a new name, so that browsers may keep every file for ever. What the configuration says about
//! looks (accent, logo, the operator's style sheet) becomes a file here, once, at start: the pages' content security
//! policy allows nothing inline. Start from [`Assets::find`].

use bytes::Bytes;

use super::{Logo, Settings};
use crate::accent::{Accent, Scheme, Shades};
use crate::secret::sha256;

/// Where the files lie.
pub const FOLDER: &str = "/_vestibule/assets/";

/// A file, whole.
#[derive(Clone, Debug)]
pub struct Asset {
    /// As `style.0f1e2d3c4b5a.css`.
    name: String,
    pub bytes: Bytes,
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// For `ETag`, quotes included.
    pub etag: String,
}

/// All files, and where the pages find them.
pub struct Assets {
    files: Vec<Asset>,
    /// In the order in which they apply: built in, then the accent.
    pub(super) styles: [String; 2],
    /// What pages behind the sign-in need besides.
    pub(super) wide_style: String,
    /// The operator's own, which comes last.
    pub(super) own_style: Option<String>,
    pub(super) script: String,
    pub(super) icon: String,
    /// The operator's logo, if there is one.
    pub(super) logo: Option<String>,
}

impl Assets {
    pub fn new(settings: &Settings) -> Self {
        let accent = settings.accent.map(Accent::new).unwrap_or_default();
        let mut files = Vec::new();
        let mut add = |stem: &str, ending: &str, media_type, bytes: Vec<u8>| {
            let asset = Asset::new(stem, ending, media_type, bytes);
            let address = asset.address();
            files.push(asset);
            address
        };
        let styles = [
            add("style", "css", CSS, include_bytes!("assets/style.css").to_vec()),
            add("brand", "css", CSS, brand_style(accent).into_bytes()),
        ];
        let wide_style = add("wide", "css", CSS, include_bytes!("assets/wide.css").to_vec());
        let own = settings.stylesheet.as_ref();
        let own_style = own.map(|own| add("own", "css", CSS, own.clone().into_bytes()));
        let script = add("script", "js", "text/javascript; charset=utf-8", SCRIPT.to_vec());
        let mark = add("mark", "svg", SVG, mark(accent).into_bytes());
        let logo = settings
            .logo
            .as_ref()
            .map(|Logo { media_type, bytes }| add("logo", ending(media_type), media_type, bytes.clone()));
        let icon = logo.clone().unwrap_or(mark);
        Self { files, styles, wide_style, own_style, script, icon, logo }
    }

    pub fn files(&self) -> &[Asset] {
        &self.files
    }

    /// The file of this name: what follows [`FOLDER`] in the address.
    pub fn find(&self, name: &str) -> Option<&Asset> {
        self.files.iter().find(|asset| asset.name == name)
    }
}

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const SCRIPT: &[u8] = include_bytes!("assets/script.js");

impl Asset {
    fn new(stem: &str, ending: &str, media_type: &'static str, bytes: Vec<u8>) -> Self {
        let hash =
            sha256(&bytes).iter().take(6).fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        Self {
            name: format!("{stem}.{hash}.{ending}"),
            bytes: bytes.into(),
            media_type,
            etag: format!("\"{hash}\""),
        }
    }

    /// Where a page loads it from.
    pub fn address(&self) -> String {
        format!("{FOLDER}{}", self.name)
    }
}

/// The accent, as the variables that `style.css` reads.
fn brand_style(accent: Accent) -> String {
    let rule = |Shades { fill, edge, fill_hover, on_fill, text }: Shades| {
        format!(
            ":root {{ --accent: {fill}; --accent-hover: {fill_hover}; --accent-edge: {edge}; \
             --on-accent: {on_fill}; --accent-text: {text}; }}"
        )
    };
    format!(
        "{}\n@media (prefers-color-scheme: dark) {{\n{}\n}}\n",
        rule(accent.shades(Scheme::Light)),
        rule(accent.shades(Scheme::Dark))
    )
}

/// An open door in the accent's colour: icon of every page, and mark of those without a logo.
fn mark(accent: Accent) -> String {
    let Shades { fill, on_fill, .. } = accent.shades(Scheme::Light);
    include_str!("assets/mark.svg")
        .replace("#000001", &fill.to_string())
        .replace("#fffffe", &on_fill.to_string())
}

fn ending(media_type: &str) -> &'static str {
    match media_type {
        "image/svg+xml" => "svg",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/webp" => "webp",
        "image/gif" => "gif",
        _ => "img",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_on_a_page_is_a_file_here() {
        let assets = Assets::new(&Settings {
            stylesheet: Some("body { margin: 0 }".into()),
            logo: Some(Logo { media_type: "image/png", bytes: vec![1] }),
            ..Settings::default()
        });
        let built_in = [&assets.wide_style, &assets.script, &assets.icon];
        let own = assets.own_style.iter().chain(&assets.logo);
        assert_eq!(own.clone().count(), 2);
        for address in assets.styles.iter().chain(built_in).chain(own) {
            let name = address.strip_prefix(FOLDER).expect("in the folder");
            assert!(assets.find(name).is_some(), "{name}");
        }
        assert!(assets.find("style.css").is_none());
    }

    #[test]
    fn a_name_changes_with_the_content() {
        let with = |accent| Assets::new(&Settings { accent: Some(accent), ..Settings::default() });
        let (one, two) = (with([0; 3]), with([200; 3]));
        assert_eq!(one.styles[0], two.styles[0]);
        assert_ne!(one.styles[1], two.styles[1]);
        assert_ne!(one.icon, two.icon);
    }

    #[test]
    fn the_mark_wears_the_accent() {
        let drawn = mark(Accent::new([0x0f, 0x76, 0x6e]));
        assert!(drawn.contains("#0f766e") && drawn.contains("#ffffff"), "{drawn}");
    }
}
