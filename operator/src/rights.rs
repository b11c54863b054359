//! The self-check: whether the API server grants what [`crate::access`] lists, asked before anything is done.
//!
//! A right that is missing shows itself late otherwise, and as silence: a watch that may list but not watch tells nothing, and a prune
//! that may not delete leaves things behind.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

use crate::access::{ACCESS, Access, Scope};
use crate::controller;

/// Questions at once.
const AT_ONCE: usize = 8;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    access: Access,
    verb: &'static str,
    namespace: Option<String>,
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { access, verb, namespace } = self;
        write!(f, "{verb} {}", access.resource)?;
        if !access.group.is_empty() {
            write!(f, ".{}", access.group)?;
        }
        match namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in every namespace"),
        }
    }
}

/// The rights that are denied, in words. Without a lease its rights are not needed.
///
/// # Errors
/// If the API server does not answer.
pub async fn missing(
    client: &kube::Client,
    scopes: &[controller::Scope],
    own_namespace: &str,
    with_lease: bool,
) -> Result<Vec<String>, kube::Error> {
    let rows = ACCESS.iter().filter(|access| with_lease || access.resource != "leases");
    let questions = rows.flat_map(|access| {
        let namespaces: Vec<Option<String>> = match access.scope {
            Scope::Own => vec![Some(own_namespace.to_owned())],
            Scope::Watched => scopes.iter().map(|scope| scope.namespace().map(str::to_owned)).collect(),
        };
        let all =
            namespaces.into_iter().flat_map(|namespace| access.verbs.iter().map(move |verb| (namespace.clone(), verb)));
        all.map(|(namespace, verb)| Question { access: *access, verb, namespace })
    });
    let asked = futures::stream::iter(questions.map(|question| ask(client, question))).buffered(AT_ONCE);
    let denied: Vec<Option<Question>> = asked.try_collect().await?;
    Ok(denied.into_iter().flatten().map(|question| question.to_string()).collect())
}

/// The question itself if the answer is no.
async fn ask(client: &kube::Client, question: Question) -> Result<Option<Question>, kube::Error> {
    let Question { access, verb, namespace } = question.clone();
    let (resource, subresource) = match access.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (access.resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(access.group.to_owned()),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(verb.to_owned()),
                namespace,
                ..ResourceAttributes::default()
            }),
            non_resource_attributes: None,
        },
        ..SelfSubjectAccessReview::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await?;
    Ok(Some(question).filter(|_| !answer.status.is_some_and(|status| status.allowed)))
}
