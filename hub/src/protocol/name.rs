//! Names of rooms and clients: parsed once at the edge, so that no later code can see one that
//! would leave the etcd prefix, break a log line or look like another name on a screen.

use std::{borrow::Borrow, fmt, sync::Arc};

use thiserror::Error;

/// The longest name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 128;

/// Why a text is no name of a room or client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NameError {
    /// No byte at all.
    #[error("is empty")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// `.` or `..`, which paths and proxies rewrite.
    #[error("must not be \".\" or \"..\"")]
    Dots,
    /// `/`, which separates etcd keys and URL paths.
    #[error("must not contain '/'")]
    Slash,
    /// A control character or line separator, NUL included.
    #[error("must not contain control characters")]
    Control,
    /// A bidirectional, zero-width or other invisible formatting character.
    #[error("must not contain invisible formatting characters")]
    Invisible,
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong);
    }
    if name == "." || name == ".." {
        return Err(NameError::Dots);
    }
    for character in name.chars() {
        match character {
            '/' => return Err(NameError::Slash),
            '\u{2028}' | '\u{2029}' => return Err(NameError::Control),
            control if control.is_control() => return Err(NameError::Control),
            invisible if is_invisible(invisible) => return Err(NameError::Invisible),
            _ => {}
        }
    }
    Ok(())
}

/// The format characters (Unicode category Cf) that hide in a name or reorder what is shown,
/// with the fillers and variation selectors that render as nothing.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a name that keeps the rules: 1 to [`MAX_NAME_BYTES`] bytes, no `/`, not `.`
            /// or `..`, no control and no invisible formatting character. Compared byte for
            /// byte: no case folding, no Unicode normalisation.
            ///
            /// # Errors
            /// The rule that is broken, as text that continues "the name ...".
            pub fn parse(name: &str) -> Result<Self, NameError> {
                check(name).map(|()| Self(Arc::from(name)))
            }

            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::parse(name)
            }
        }
    };
}

name! {
    /// The name of a room. Cheap to clone.
    RoomName
}

name! {
    /// The name of a client: one client may have several connections. Cheap to clone.
    ClientId
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_that_could_leave_the_prefix_or_deceive_a_reader_are_refused() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for (name, error) in [
            ("", NameError::Empty),
            (long.as_str(), NameError::TooLong),
            (".", NameError::Dots),
            ("..", NameError::Dots),
            ("../nodes", NameError::Slash),
            ("a\0b", NameError::Control),
            ("a\u{1b}[31m", NameError::Control),
            ("a\u{85}", NameError::Control),
            ("a\u{2028}", NameError::Control),
            ("a\u{202e}b", NameError::Invisible),
            ("a\u{200b}b", NameError::Invisible),
            ("\u{feff}a", NameError::Invisible),
            ("a\u{e0041}", NameError::Invisible),
        ] {
            assert_eq!(RoomName::parse(name), Err(error), "{name:?}");
            assert_eq!(name.parse::<ClientId>(), Err(error), "{name:?}");
            assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn ordinary_names_of_every_script_are_taken_and_found_by_str() {
        let longest = "x".repeat(MAX_NAME_BYTES);
        for name in ["lobby", "...", "a b", "<b>", "raum:1", "комната", "部屋", "\u{1f600}", longest.as_str()]
        {
            let room = RoomName::parse(name).unwrap();
            assert_eq!((room.as_str(), room.as_ref(), room.to_string().as_str()), (name, name, name));
            assert!(HashSet::from([room]).contains(name));
        }
    }
}
