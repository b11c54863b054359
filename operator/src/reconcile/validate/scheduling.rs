//! Names, labels, sizes and resources, as Kubernetes wants them: what it would refuse later, in an object the user never wrote.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{Invalid, refuse};
use crate::api::GROUP;
use crate::api::v1alpha1::Ingress;

/// Smallest volume in MiB: etcd's database and its log need room.
const SMALLEST_VOLUME: u64 = 512;

/// Whether the text is a DNS label.
pub(super) fn is_label(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty() && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether an object can have this name.
#[must_use]
pub fn is_object_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

/// Checks the name of an object that the spec refers to.
pub(super) fn object_name(field: &str, name: &str) -> Result<(), Invalid> {
    if is_object_name(name) {
        return Ok(());
    }
    refuse(field, format!("must be an object's name, of a-z, 0-9, '-' and '.', got {name:?}"))
}

/// Checks the key of a label or annotation: `name` or `domain/name`.
fn key(field: &str, key: &str) -> Result<(), Invalid> {
    let (domain, name) = key.split_once('/').unwrap_or(("x", key));
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_name = name.len() <= 63 && name.bytes().all(plain) && edge(name.bytes().next()) && edge(name.bytes().last());
    if !is_name || !domain.split('.').all(is_label) {
        return refuse(field, format!("{key:?} is not a key such as \"example.com/name\""));
    }
    Ok(())
}

/// Checks labels, or what selects by them.
pub(super) fn labels(field: &str, labels: &BTreeMap<String, String>) -> Result<(), Invalid> {
    for (name, value) in labels {
        key(field, name)?;
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
        if value.len() > 63 || !value.bytes().all(plain) {
            return refuse(
                format!("{field}[{name}]"),
                format!("must be a label's value of at most 63 characters, got {value:?}"),
            );
        }
    }
    Ok(())
}

/// Checks annotations: any value, but none of our own keys.
pub(super) fn annotations(field: &str, annotations: &BTreeMap<String, String>) -> Result<(), Invalid> {
    for name in annotations.keys() {
        key(field, name)?;
        if name.split('/').next().is_some_and(|domain| domain == GROUP) {
            return refuse(format!("{field}[{name}]"), format!("annotations of {GROUP} are the operator's"));
        }
    }
    Ok(())
}

/// Checks the host of an Ingress and the names it refers to.
pub(super) fn ingress(field: &str, ingress: &Ingress) -> Result<(), Invalid> {
    let host = ingress.host.strip_prefix("*.").unwrap_or(&ingress.host);
    if ingress.host.len() > 253 || !host.split('.').all(|label| label.len() <= 63 && is_label(label)) {
        return refuse(
            format!("{field}.host"),
            format!(
                "must be a host name such as chat.example.com, without scheme, port or path, got {:?}",
                ingress.host
            ),
        );
    }
    for (name, part) in [("className", &ingress.class_name), ("tlsSecret", &ingress.tls_secret)] {
        if let Some(part) = part {
            object_name(&format!("{field}.{name}"), part)?;
        }
    }
    annotations(&format!("{field}.annotations"), &ingress.annotations)
}

/// Checks a volume's size.
pub(super) fn volume_size(field: &str, size: &str) -> Result<(), Invalid> {
    let parse = |unit, factor: u64| size.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(factor);
    match parse("Mi", 1).or_else(|| parse("Gi", 1024)) {
        Some(mib) if mib >= SMALLEST_VOLUME => Ok(()),
        Some(_) => refuse(field, format!("must be at least {SMALLEST_VOLUME}Mi, got {size:?}")),
        None => refuse(field, format!("must be a number of Mi or Gi such as \"4Gi\", got {size:?}")),
    }
}

/// Checks that limits are not below requests and that all are quantities.
pub(super) fn resources(field: &str, resources: &ResourceRequirements) -> Result<(), Invalid> {
    if resources.claims.is_some() {
        return refuse(format!("{field}.claims"), "are not passed on: pods have no resource claims");
    }
    let empty = BTreeMap::new();
    let requests = resources.requests.as_ref().unwrap_or(&empty);
    let limits = resources.limits.as_ref().unwrap_or(&empty);
    for (kind, list) in [("requests", requests), ("limits", limits)] {
        for (name, amount) in list {
            if quantity(amount).is_none() {
                return refuse(
                    format!("{field}.{kind}.{name}"),
                    format!("must be a quantity such as \"500m\" or \"1Gi\", got {:?}", amount.0),
                );
            }
        }
    }
    for (name, request) in requests {
        let Some(limit) = limits.get(name) else { continue };
        if quantity(limit) < quantity(request) {
            return refuse(
                format!("{field}.limits.{name}"),
                format!("must be at least what is requested ({}), got {}", request.0, limit.0),
            );
        }
    }
    Ok(())
}

/// The amount in thousandths, of the notations that people write.
#[must_use]
pub fn quantity(quantity: &Quantity) -> Option<u128> {
    const UNITS: [(&str, u128); 13] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("Pi", 1 << 50),
        ("Ei", 1 << 60),
        ("k", 1_000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("E", 1_000_000_000_000_000_000),
        ("", 1),
    ];
    let text = quantity.0.as_str();
    if let Some(thousandths) = text.strip_suffix('m') {
        return thousandths.parse().ok();
    }
    let (number, factor) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.len() > 3 || fraction.is_empty() || !(whole.bytes().chain(fraction.bytes())).all(|c| c.is_ascii_digit())
    {
        return None;
    }
    let fraction: u128 = format!("{fraction:0<3}").parse().ok()?;
    let whole: u128 = whole.parse().ok()?;
    whole.checked_mul(1000)?.checked_add(fraction)?.checked_mul(*factor)
}
