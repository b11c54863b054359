//! HTTP calls that the hub makes: to applications, and to those who sign tokens. One client for each purpose, and no answer without a bound.

use aws_lc_rs::hmac;
use gohub_settings::Secret;

/// The header by which a server knows that it was this hub: `sha256=` and the HMAC-SHA256 of the body in hex.
pub(crate) const SIGNATURE: &str = "x-gohub-signature";

/// Connections that wait for the next call, for each server.
const MAX_IDLE: usize = 32;

/// Why an answer could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection ended before the answer did.
    #[error("the answer broke off")]
    BrokenOff,
    /// It has more bytes than are read.
    #[error("the answer is too long")]
    TooLong,
}

/// A client that follows no redirect: what was configured is what is called. `None` if the system's certificates could not be read.
pub(crate) fn client() -> Option<reqwest::Client> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = builder.pool_max_idle_per_host(MAX_IDLE).build();
    client.inspect_err(|error| tracing::error!(%error, "no HTTP client, calls of the hub will fail")).ok()
}

/// A call with a JSON body, signed where there is a secret.
pub(crate) fn post(client: &reqwest::Client, url: &str, secret: &Secret, body: String) -> reqwest::RequestBuilder {
    let call = client.post(url).header("content-type", "application/json");
    match secret.is_empty() {
        true => call.body(body),
        false => call.header(SIGNATURE, signature(secret, body.as_bytes())).body(body),
    }
}

/// The answer's body, at most `max` bytes of it.
///
/// # Errors
/// See [`BodyError`].
pub(crate) async fn body(response: &mut reqwest::Response, max: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|_| BodyError::BrokenOff)? {
        body.extend_from_slice(&part);
        if body.len() > max {
            return Err(BodyError::TooLong);
        }
    }
    Ok(body)
}

/// The value of [`SIGNATURE`].
pub(crate) fn signature(secret: &Secret, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes());
    let tag = hmac::sign(&key, body);
    tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_rfc_4231_has_it() {
        let signed = signature(&Secret::new("Jefe"), b"what do ya want for nothing?");
        assert_eq!(signed, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
