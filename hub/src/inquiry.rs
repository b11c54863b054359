//! `gohub why`: asks a hub's admin API what became of a client, and says it for people.

use std::time::Duration;

use gohub_settings::Secret;
use reqwest::Url;
use serde::Deserialize;
use thiserror::Error;

use crate::blackbox::{self, Lives};
use crate::http;

/// Longer than the hubs wait for one another.
const TIME: Duration = Duration::from_secs(30);
/// A hundred lives with all their events are smaller.
const MAX_ANSWER: usize = 64 << 20;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum Error {
    /// The address is none.
    #[error("--admin {0:?} is no http:// or https:// address")]
    Address(String),
    /// The admin listener was not reached.
    #[error("asking {0} failed: {1}")]
    Call(String, String),
    /// It refused.
    #[error("{0} refused: {1}")]
    Refused(String, String),
    /// It answered something else.
    #[error("{0} answered something that is no answer of a hub: {1}")]
    Answer(String, String),
}

/// What is asked, and where.
#[derive(Debug, Clone)]
pub struct Inquiry {
    /// The client.
    pub client: String,
    /// Only its connection with this id.
    pub connection: Option<u64>,
    /// Most connections.
    pub limit: u32,
    /// Address of any hub's admin listener.
    pub admin: String,
    /// A key with the scope `read`; empty sends none.
    pub key: Secret,
    /// The answer as JSON, for programs.
    pub json: bool,
}

/// What the API says when it refuses.
#[derive(Deserialize)]
struct Refusal {
    message: String,
}

impl Inquiry {
    /// The report.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn ask(&self) -> Result<String, Error> {
        let url = self.url()?;
        let shown = self.admin.clone();
        let failed = |error: &dyn std::fmt::Display| Error::Call(shown.clone(), error.to_string());
        let client = http::client().ok_or_else(|| failed(&"the system's certificates could not be read"))?;
        let mut request = client.get(url).timeout(TIME);
        if !self.key.is_empty() {
            request = request.bearer_auth(self.key.expose());
        }
        let mut response = request.send().await.map_err(|error| failed(&error.without_url()))?;
        let status = response.status();
        let body = http::body(&mut response, MAX_ANSWER).await.map_err(|_| failed(&"the answer broke off"))?;
        if !status.is_success() {
            let said =
                serde_json::from_slice::<Refusal>(&body).map_or_else(|_| status.to_string(), |said| said.message);
            return Err(Error::Refused(shown, said));
        }
        let lives: Lives =
            serde_json::from_slice(&body).map_err(|error| Error::Answer(shown.clone(), error.to_string()))?;
        if !self.json {
            return Ok(blackbox::report(&lives));
        }
        let text = serde_json::to_string_pretty(&lives).map_err(|error| Error::Answer(shown, error.to_string()))?;
        Ok(format!("{text}\n"))
    }

    fn url(&self) -> Result<Url, Error> {
        let no_address = || Error::Address(self.admin.clone());
        let mut url = Url::parse(&self.admin).map_err(|_| no_address())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(no_address());
        }
        url.path_segments_mut().map_err(|()| no_address())?.pop_if_empty().extend([
            "api",
            "v1",
            "clients",
            self.client.as_str(),
            "why",
        ]);
        url.query_pairs_mut().append_pair("limit", &self.limit.to_string());
        if let Some(connection) = self.connection {
            url.query_pairs_mut().append_pair("connection", &connection.to_string());
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_fits_into_the_address_and_what_is_none_is_named() {
        let inquiry = |admin: &str, client: &str| Inquiry {
            client: client.to_owned(),
            connection: Some(7),
            limit: 3,
            admin: admin.to_owned(),
            key: Secret::default(),
            json: false,
        };
        let url = inquiry("http://127.0.0.1:9090/", "caf\u{e9} 7?#").url().expect("an address");
        assert_eq!(url.as_str(), "http://127.0.0.1:9090/api/v1/clients/caf%C3%A9%207%3F%23/why?limit=3&connection=7");
        for admin in ["127.0.0.1:9090", "ftp://host", "", "http://"] {
            assert!(matches!(inquiry(admin, "a").url(), Err(Error::Address(_))), "{admin}");
        }
    }
}
