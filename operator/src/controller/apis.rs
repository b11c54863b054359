//! Which optional kinds the API server knows: asked now and then, because they come and go while the operator runs.

use kube::api::ApiResource;
use kube::runtime::reflector::{ObjectRef, Store};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::{Controller, Known, pause, watch};
use crate::reconcile::context::Apis;
use crate::reconcile::error::{Class, class_of};
use crate::reconcile::kinds;
use crate::reconcile::references::References;

/// Which of the optional kinds there are.
///
/// # Errors
/// If the API server does not say.
pub async fn ask(client: &kube::Client) -> Result<Apis, kube::Error> {
    match client.list_api_group_resources(kinds::MONITORING).await {
        Ok(list) => {
            let knows = |kind: &str| list.resources.iter().any(|resource| resource.kind == kind);
            Ok(Apis {
                service_monitors: knows(kinds::SERVICE_MONITOR),
                prometheus_rules: knows(kinds::PROMETHEUS_RULE),
            })
        }
        Err(error) if class_of(&error) == Class::Gone => Ok(Apis::default()),
        Err(error) => Err(error),
    }
}

/// Asks again and again; what came is watched and what went is not, and every `GoHub` is looked at.
pub(super) async fn follow(controller: Controller, store: Store<Known>, queue: mpsc::Sender<ObjectRef<Known>>) {
    let mut watches = JoinSet::new();
    let mut running: Vec<(ApiResource, AbortHandle)> = Vec::new();
    loop {
        let before = *controller.apis.borrow();
        let now = match ask(&controller.context.client).await {
            Ok(now) => now,
            Err(error) => {
                tracing::warn!(%error, "the API server did not say which kinds it knows");
                before
            }
        };
        for (is_there, kind) in
            [(now.service_monitors, kinds::SERVICE_MONITOR), (now.prometheus_rules, kinds::PROMETHEUS_RULE)]
        {
            let resource = kinds::monitoring(kind);
            let place = running.iter().position(|(running, _)| *running == resource);
            match (is_there, place) {
                (true, None) => {
                    let watch = controller.watch_of(&resource);
                    let run =
                        watch::children(watch, kind.to_owned(), store.clone(), References::default(), queue.clone());
                    running.push((resource, watches.spawn(run)));
                }
                (false, Some(place)) => {
                    running.remove(place).1.abort();
                    let name = controller.watch_name(&resource);
                    controller.health.ended(&name);
                    controller.context.metrics.watch_ended(&name);
                }
                _ => {}
            }
        }
        if now != before {
            tracing::info!(?now, "the API server's kinds changed");
            controller.apis.send_replace(now);
            for known in store.state() {
                if queue.send(ObjectRef::from_obj(known.as_ref())).await.is_err() {
                    return;
                }
            }
        }
        tokio::time::sleep(pause::jittered(controller.apis_every)).await;
    }
}
