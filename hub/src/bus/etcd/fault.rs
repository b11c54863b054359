//! What an error of etcd means for what was asked.

use thiserror::Error;
use tonic::Code;

/// Why a request to etcd failed, by what to do about it. The texts name no secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Fault {
    /// No answer: it may have been done or not. Connect again, try again.
    #[error("no answer from etcd: {0}")]
    Unknown(String),
    /// The token ran out, or the user is not known (any more). Connect again, try again.
    #[error("etcd refused our credentials: {0}")]
    Credentials(String),
    /// etcd has no room left (its NOSPACE alarm): nothing was done.
    #[error("etcd has no space left")]
    NoSpace,
    /// The lease is gone: nothing was done.
    #[error("the lease has expired")]
    LeaseGone,
    /// etcd will not do this, whoever asks how often.
    #[error("etcd refused: {0}")]
    Refused(String),
}

impl Fault {
    pub(crate) fn timeout(what: &str) -> Self {
        Self::Unknown(format!("{what} timed out"))
    }

    /// Whether another connection may help.
    pub(crate) fn is_broken_connection(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Credentials(_))
    }
}

impl From<etcd_client::Error> for Fault {
    fn from(error: etcd_client::Error) -> Self {
        use etcd_client::Error;
        let status = match error {
            Error::GRpcStatus(status) => status,
            Error::LeaseKeepAliveError(text) if text.contains("not found") => return Self::LeaseGone,
            Error::InvalidArgs(text) => return Self::Refused(text),
            Error::InvalidUri(error) => return Self::Refused(error.to_string()),
            other => return Self::Unknown(other.to_string()),
        };
        let text = status.message().to_owned();
        match status.code() {
            Code::ResourceExhausted if text.contains("space exceeded") => Self::NoSpace,
            Code::NotFound if text.contains("lease not found") => Self::LeaseGone,
            Code::Unauthenticated => Self::Credentials(text),
            Code::InvalidArgument if text.contains("user name is empty") || text.contains("authentication failed") => {
                Self::Credentials(text)
            }
            // "out of range" is a compacted revision; "failed precondition" auth that is off while a user is set.
            Code::InvalidArgument | Code::PermissionDenied | Code::OutOfRange | Code::FailedPrecondition => {
                Self::Refused(text)
            }
            _ => Self::Unknown(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: Code, text: &str) -> Fault {
        etcd_client::Error::GRpcStatus(tonic::Status::new(code, text)).into()
    }

    #[test]
    fn an_answer_of_etcd_says_what_to_do() {
        let unknown = fault(Code::Unavailable, "etcdserver: request timed out");
        assert!(matches!(unknown, Fault::Unknown(_)) && unknown.is_broken_connection());
        assert_eq!(fault(Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded"), Fault::NoSpace);
        assert!(matches!(fault(Code::ResourceExhausted, "etcdserver: too many requests"), Fault::Unknown(_)));
        assert_eq!(fault(Code::NotFound, "etcdserver: requested lease not found"), Fault::LeaseGone);
        assert!(matches!(fault(Code::Unauthenticated, "etcdserver: invalid auth token"), Fault::Credentials(_)));
        assert!(matches!(fault(Code::InvalidArgument, "etcdserver: user name is empty"), Fault::Credentials(_)));
        assert!(!fault(Code::PermissionDenied, "etcdserver: permission denied").is_broken_connection());
        let gone: Fault = etcd_client::Error::LeaseKeepAliveError("lease not found".to_owned()).into();
        assert_eq!(gone, Fault::LeaseGone);
        assert!(matches!(etcd_client::Error::InvalidArgs("x".to_owned()).into(), Fault::Refused(_)));
        assert!(matches!(etcd_client::Error::WatchError("x".to_owned()).into(), Fault::Unknown(_)));
    }
}
