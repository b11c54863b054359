//! The rules across fields, in CEL, each with the message a user gets from the API server.
//!
//! A rule that looks at `oldSelf` applies to changes only. Texts in rules have a maximum length in the schema: without one the API server
//! estimates the rule as too costly and refuses the whole CRD.

use serde_json::{Value, json};

/// A CEL rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What must hold, in CEL.
    pub rule: &'static str,
    /// What a user is told when it does not.
    pub message: &'static str,
}

/// Of the whole object.
pub const NAME: Rule = Rule {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$')",
    message: "the name must begin with a letter and have at most 40 characters of a-z, 0-9 and '-', because Services are named after it",
};

/// Of `spec`.
pub const SPEC: &[Rule] = &[
    Rule {
        rule: "!(has(self.config) && has(self.configFrom))",
        message: "config and configFrom exclude each other: write the configuration here or name a ConfigMap, not both",
    },
    Rule {
        rule: "self.etcd.mode != 'Disabled' || self.hub.replicas <= 1",
        message: "more than one hub needs etcd to exchange messages: set etcd.mode to Managed or External, or hub.replicas to 1",
    },
    Rule {
        rule: "self.etcd.mode != 'Disabled' || !has(self.hub.autoscaling)",
        message: "hub.autoscaling needs etcd, through which several hubs exchange messages: set etcd.mode to Managed or External",
    },
];

/// Of `spec.hub`.
pub const HUB: &[Rule] = &[Rule {
    rule: "!has(self.autoscaling) || (has(self.resources.requests) && 'cpu' in self.resources.requests)",
    message: "autoscaling needs resources.requests.cpu: its aim is a share of it",
}];

/// Of `spec.hub.autoscaling`.
pub const AUTOSCALING: &[Rule] =
    &[Rule { rule: "self.minReplicas <= self.maxReplicas", message: "minReplicas must not be above maxReplicas" }];

/// Of `spec.service.ingress`.
pub const INGRESS: &[Rule] = &[Rule {
    rule: "self.host.matches('^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
    message: "host must be a host name such as chat.example.com or *.example.com, without scheme, port or path",
}];

/// Of `spec.etcd`.
pub const ETCD: &[Rule] = &[
    Rule {
        rule: "self.mode != 'External' || has(self.external)",
        message: "external must name the endpoints when mode is External",
    },
    Rule {
        rule: "self.mode == 'External' || !has(self.external)",
        message: "external is only for mode External: remove it, or change mode",
    },
    Rule {
        rule: "!(oldSelf.mode == 'Managed' && self.mode != 'Managed') && !(oldSelf.mode != 'Managed' && self.mode == 'Managed')",
        message: "mode cannot change to or from Managed, because a managed cluster's data would be left behind: create another GoHub",
    },
    Rule {
        rule: "!has(self.external) || !has(self.external.tlsSecret) || self.external.endpoints.all(e, e.startsWith('https://'))",
        message: "with external.tlsSecret every endpoint must begin with https://: a hub never falls back to plain text",
    },
];

/// Of `spec.etcd.managed`.
pub const MANAGED: &[Rule] = &[Rule {
    rule: "self.replicas in [1, 3, 5]",
    message: "replicas must be 1, 3 or 5: an even number survives no more losses than the odd one below it",
}];

/// Of `spec.etcd.managed.storage`.
pub const STORAGE: &[Rule] = &[
    Rule {
        rule: "quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",
        message: "size can grow and cannot shrink: no storage class takes a volume's space back",
    },
    Rule {
        rule: "has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)",
        message: "className cannot change: a volume stays in the class it was made in",
    },
    Rule {
        rule: "quantity(self.size).compareTo(quantity('512Mi')) >= 0",
        message: "size must be at least 512Mi: etcd's database and its log need room",
    },
];

/// The rules as `x-kubernetes-validations`.
pub(super) fn of(rules: &[Rule]) -> Value {
    rules.iter().map(|rule| json!({ "rule": rule.rule, "message": rule.message })).collect()
}
