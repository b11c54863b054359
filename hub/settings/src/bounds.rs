//! The limits that a JSON schema cannot say: of durations and sizes, of secrets and names.

use crate::{ByteSize, Duration, Secret, SettingsError, secret};

/// The shortest time any timer is set to.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Refuses the field at `path`.
pub(crate) fn refuse(path: impl Into<String>, message: impl Into<String>) -> Result<(), SettingsError> {
    Err(SettingsError::field(path, message))
}

/// A duration from `least` to `most`.
pub(crate) fn duration(path: &str, given: Duration, least: Duration, most: Duration) -> Result<(), SettingsError> {
    if given < least {
        return refuse(path, format!("must be at least {least}, got {given}"));
    }
    if given > most {
        return refuse(path, format!("must be at most {most}, got {given}"));
    }
    Ok(())
}

/// A size from `least` to `most`.
pub(crate) fn size(path: &str, given: ByteSize, least: ByteSize, most: ByteSize) -> Result<(), SettingsError> {
    if given < least {
        return refuse(path, format!("must be at least {least}, got {given}"));
    }
    if given > most {
        return refuse(path, format!("must be at most {most}, got {given}"));
    }
    Ok(())
}

/// As [`size`], where `0B` means "off".
pub(crate) fn size_or_off(path: &str, given: ByteSize, least: ByteSize, most: ByteSize) -> Result<(), SettingsError> {
    if !given.is_zero() && given < least {
        return refuse(path, format!("must be 0B or at least {least}, got {given}"));
    }
    size(path, given, ByteSize::ZERO, most)
}

/// A secret that is hard to guess and fits into an HTTP header.
pub(crate) fn secret(path: &str, secret: &Secret, least: usize) -> Result<(), SettingsError> {
    let length = secret.expose().chars().count();
    if length < least {
        return refuse(path, format!("must have at least {least} characters, got {length}"));
    }
    if length > 4096 {
        return refuse(path, format!("must have at most 4096 characters, got {length}"));
    }
    if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse(path, "must have only visible ASCII characters and no space");
    }
    Ok(())
}

/// A list of secrets, none twice.
pub(crate) fn secrets(path: &str, list: &[Secret], least: usize) -> Result<(), SettingsError> {
    for (i, one) in list.iter().enumerate() {
        secret(&format!("{path}[{i}]"), one, least)?;
        if let Some(first) = list[..i].iter().position(|other| other == one) {
            return refuse(format!("{path}[{i}]"), format!("is the same as {path}[{first}]"));
        }
    }
    Ok(())
}

/// The name of a client, a room or a node, which becomes a part of an etcd key; empty means "not set".
pub(crate) fn name(path: &str, name: &str) -> Result<(), SettingsError> {
    if name.len() > 128 {
        return refuse(path, format!("must have at most 128 bytes, got {}", name.len()));
    }
    if let Some(character) = name.chars().find(|c| c.is_control() || *c == '/') {
        return refuse(path, format!("must not contain {character:?}"));
    }
    if name == "." || name == ".." {
        return refuse(path, format!("must not be {name:?}"));
    }
    Ok(())
}

/// `host:port`, where the host may be a name, an IPv4 address or an IPv6 address in brackets.
pub(crate) fn host_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let host_is_good = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_host(host),
    };
    host_is_good && port.parse::<u16>().is_ok_and(|port| port > 0) && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// A host's name or IPv4 address.
pub(crate) fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Splits `http://authority/rest` into (is it https, authority, rest).
pub(crate) fn split_url(url: &str) -> Option<(bool, &str, &str)> {
    let (secure, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://")?),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    Some((secure, authority, rest))
}

/// The address of an HTTP server, which may have a secret in its query.
pub(crate) fn http_url(path: &str, url: &str) -> Result<(), SettingsError> {
    let authority = split_url(url).map(|(_, authority, _)| authority);
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || !authority.is_some_and(|authority| is_host(authority) || host_port(authority)) {
        // Not quoted: it may have a password in it.
        return refuse(path, "must be http://host/path or https://host/path, without a user or password");
    }
    let query = url.split_once('?').map_or("", |(_, query)| query);
    secret::refuse_placeholder(query).or_else(|message| refuse(path, message))
}
