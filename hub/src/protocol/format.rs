//! The two wire forms and how a connection chooses one, so that no other module compares
//! subprotocol strings.

use thiserror::Error;

/// A wire form of protocol v1, fixed for a connection by its WebSocket subprotocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// One JSON object per text frame: `gohub.v1.json`, also when no subprotocol is offered.
    Json,
    /// One CBOR map per binary frame: `gohub.v1.cbor`.
    Cbor,
}

/// The client offered subprotocols and none of them is one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("none of the offered subprotocols is known: use gohub.v1.json or gohub.v1.cbor")]
pub struct NoCommonFormat;

impl Format {
    /// Both forms, in the order of [`Format::index`].
    pub const ALL: [Self; 2] = [Self::Json, Self::Cbor];

    /// A dense number for tables with one slot per form.
    pub const fn index(self) -> usize {
        match self {
            Self::Json => 0,
            Self::Cbor => 1,
        }
    }

    /// The `Sec-WebSocket-Protocol` token.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "gohub.v1.json",
            Self::Cbor => "gohub.v1.cbor",
        }
    }

    /// Whether messages travel in text frames (else binary frames).
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Json)
    }

    /// The form of one subprotocol token.
    pub fn from_subprotocol(token: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.subprotocol() == token)
    }

    /// Chooses the client's first known subprotocol from the values of its
    /// `Sec-WebSocket-Protocol` headers. `Ok(None)` when it offered none: speak JSON and answer
    /// without that header.
    ///
    /// # Errors
    /// [`NoCommonFormat`] when it offered some and none is ours.
    pub fn negotiate<'a>(headers: impl IntoIterator<Item = &'a str>) -> Result<Option<Self>, NoCommonFormat> {
        let mut offered = false;
        for token in headers.into_iter().flat_map(|value| value.split(',')).map(str::trim) {
            if let Some(format) = Self::from_subprotocol(token) {
                return Ok(Some(format));
            }
            offered |= !token.is_empty();
        }
        if offered { Err(NoCommonFormat) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clients_first_known_subprotocol_wins() {
        assert_eq!(Format::negotiate(["soap, gohub.v1.cbor", "gohub.v1.json"]), Ok(Some(Format::Cbor)));
        assert_eq!(Format::negotiate(["gohub.v1.json"]), Ok(Some(Format::Json)));
    }

    #[test]
    fn no_offer_means_json_and_only_unknown_offers_are_refused() {
        assert_eq!(Format::negotiate([]), Ok(None));
        assert_eq!(Format::negotiate([" "]), Ok(None));
        assert_eq!(Format::negotiate(["soap", "gohub.v2.json"]), Err(NoCommonFormat));
    }

    #[test]
    fn each_form_has_its_own_slot_and_frame_kind() {
        for (index, format) in Format::ALL.into_iter().enumerate() {
            assert_eq!(format.index(), index);
            assert_eq!(format.is_text(), format == Format::Json);
        }
    }
}
