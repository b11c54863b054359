//! The identity of the pods: one without rights and without a token, so that nothing can be done with it.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::meta::{self, Component};
use crate::reconcile::plan::Plan;

/// The ServiceAccount.
#[must_use]
pub fn build(plan: &Plan) -> ServiceAccount {
    ServiceAccount {
        metadata: meta::owned(&plan.owner, "", Component::Hub),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
