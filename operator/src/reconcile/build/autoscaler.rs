//! The HorizontalPodAutoscaler. It scales the `GoHub`, not the Deployment: two that write one number would fight for ever.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget, ResourceMetricSource,
};

use super::meta::{self, Component};
use crate::api::{GROUP, KIND, VERSION};
use crate::reconcile::plan::Plan;

/// The autoscaler, if one was asked for. It takes pods away one at a time: each has clients to move.
#[must_use]
pub fn build(plan: &Plan) -> Option<HorizontalPodAutoscaler> {
    let bounds = plan.autoscaling.as_ref()?;
    let target = MetricTarget {
        type_: "Utilization".to_owned(),
        average_utilization: Some(bounds.target_cpu_percent),
        ..MetricTarget::default()
    };
    let one_a_minute = HPAScalingPolicy { type_: "Pods".to_owned(), value: 1, period_seconds: 60 };
    let down = HPAScalingRules {
        stabilization_window_seconds: Some(300),
        policies: Some(vec![one_a_minute]),
        ..HPAScalingRules::default()
    };
    Some(HorizontalPodAutoscaler {
        metadata: meta::owned(&plan.owner, "", Component::Hub),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some(format!("{GROUP}/{VERSION}")),
                kind: KIND.to_owned(),
                name: plan.owner.name.clone(),
            },
            min_replicas: Some(bounds.min_replicas),
            max_replicas: bounds.max_replicas,
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(ResourceMetricSource { name: "cpu".to_owned(), target }),
                ..MetricSpec::default()
            }]),
            behavior: Some(HorizontalPodAutoscalerBehavior { scale_down: Some(down), scale_up: None }),
        }),
        status: None,
    })
}
