//! Which etcd may follow which: one minor version up at a time, and none down, or its data cannot be read.

use super::{Invalid, refuse};
use crate::etcd::plan::Member;

/// Major and minor.
type Version = (u32, u32);

/// Judges the image by its tag and by what runs. An image without a version in its tag is taken as it is, and so is any while nobody
/// answers: then there is nothing to compare it with.
pub(super) fn judge(field: &str, image: &str, members: Option<&[Member]>) -> Result<(), Invalid> {
    let Some(wanted) = of_image(image) else { return Ok(()) };
    // While members are replaced by newer ones, the data is still that of the oldest.
    let oldest = members.unwrap_or_default().iter().filter_map(|member| parse(&member.version)).min();
    let Some(oldest @ (major, minor)) = oldest else { return Ok(()) };
    if wanted < oldest {
        return refuse(field, format!("etcd {major}.{minor} runs, whose data an older one cannot read, got {image:?}"));
    }
    if wanted.0 == major && wanted.1 > minor + 1 {
        let next = minor + 1;
        return refuse(
            field,
            format!(
                "etcd {major}.{minor} runs, and no minor version may be skipped: go to {major}.{next} first, got {image:?}"
            ),
        );
    }
    Ok(())
}

/// The version in `registry:5000/etcd:v3.6.8-2@sha256:...`.
fn of_image(image: &str) -> Option<Version> {
    let name = image.split('@').next()?;
    let (_, tag) = name.rsplit('/').next()?.split_once(':')?;
    parse(tag.strip_prefix('v').unwrap_or(tag))
}

fn parse(text: &str) -> Option<Version> {
    let mut parts = text.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(image: &str, running: &[&str]) -> Result<(), String> {
        let member = |version: &&str| Member { version: (*version).to_owned(), ..Member::default() };
        let members: Vec<Member> = running.iter().map(member).collect();
        judge("image", image, Some(&members)).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn o20_an_etcd_goes_up_by_one_minor_version_and_never_down() {
        for (image, running, message) in [
            ("etcd:v3.6.8", &["3.6.5"][..], ""),
            ("etcd:v3.6.1", &["3.6.5"], ""),
            ("registry:5000/etcd:3.6.8-2@sha256:00", &["3.5.17", "3.5.17"], ""),
            ("etcd:v3.5.17", &["3.5.17", "3.6.5"], ""),
            ("etcd:v3.7.0", &["3.5.17", "3.6.5"], "no minor version may be skipped: go to 3.6 first"),
            ("etcd:v3.6.5", &["3.4.30"], "go to 3.5 first"),
            ("etcd:v3.5.17", &["3.6.5"], "an older one cannot read"),
            ("etcd:v2.3.8", &["3.6.5"], "an older one cannot read"),
            ("etcd:latest", &["3.6.5"], ""),
            ("etcd@sha256:00", &["3.6.5"], ""),
            ("etcd:v3.5.17", &["", ""], ""),
            ("etcd:v3.5.17", &[], ""),
        ] {
            let judged = judged(image, running);
            match message {
                "" => assert_eq!(judged, Ok(()), "{image} over {running:?}"),
                message => {
                    assert!(judged.as_ref().is_err_and(|e| e.contains(message)), "{image} over {running:?}: {judged:?}")
                }
            }
        }
    }
}
