//! HTTP calls that the hub makes: to applications, and to those who sign tokens. One client for each purpose, and no answer without a bound.

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
