//! Steps in words, for who reads a condition.

use std::fmt;

use super::{Step, Waiting};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("nothing is left to do"),
            Self::Wait(waiting) => waiting.fmt(f),
            Self::Bootstrap { name } => write!(f, "member {name} begins the cluster"),
            Self::CreatePod { name, .. } => write!(f, "member {name} gets its pod"),
            Self::AddLearner { name } => write!(f, "member {name} joins without a vote"),
            Self::Promote { id } => write!(f, "member {id:x} may vote"),
            Self::MoveLeader { from, to } => write!(f, "member {to:x} leads instead of {from:x}"),
            Self::RemoveMember { id, name } => write!(f, "member {name} ({id:x}) leaves"),
            Self::DeleteHome { name } => write!(f, "what is left of member {name} is deleted"),
            Self::RestartPod { name } => write!(f, "member {name} is restarted"),
            Self::GrowVolume { name } => write!(f, "the volume of member {name} grows"),
            Self::OwnVolume { name } => write!(f, "the volume of member {name} gets its owner and labels right"),
            Self::Defragment { name } => write!(f, "member {name} gives back free space"),
            Self::Recount => f.write_str("etcd counts its free space"),
            Self::Disarm => f.write_str("the alarm is taken back"),
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("the members start"),
            Self::QuorumLost => f.write_str("members come back until more than half of them answer"),
            Self::DataLost => f.write_str("a volume is missing, and no majority can replace its member"),
            Self::Terminating(name) => write!(f, "the pod of member {name} ends"),
            Self::CatchingUp(name) => write!(f, "member {name} catches up"),
            Self::Unhealthy(name) => write!(f, "member {name} answers again"),
            Self::Alarm(alarm) => write!(f, "the cause of the alarm {alarm} goes away"),
            Self::NotASize(wanted) => write!(f, "a number of members that is 1, 3 or 5, and not {wanted}"),
        }
    }
}
