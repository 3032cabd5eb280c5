//! A deploy as lines, or as its address alone.

use std::collections::HashMap;

use super::{Ended, LEAVING, STOPPING, Shows};
use crate::cli::frame::print;
use crate::cli::tell;
use crate::model::progress::DeployProgress;
use crate::model::{Problem, TenantId};
use crate::telling::format;
use crate::telling::lines::{Lines, Teller};

/// A line for everything that happens; with the tenant's name where there are several.
pub(super) struct Plain {
    lines: Lines,
    names: HashMap<TenantId, String>,
    tellers: HashMap<TenantId, Teller>,
}

impl Plain {
    pub(super) fn new(names: Vec<(TenantId, String)>) -> Self {
        Self { lines: Lines::new(), names: names.into_iter().collect(), tellers: HashMap::new() }
    }

    fn prefix(&self, tenant: &TenantId) -> String {
        match self.names.get(tenant) {
            Some(name) if self.names.len() > 1 => format!("{} ", format::pad(name, 16)),
            _ => String::new(),
        }
    }
}

impl Shows for Plain {
    fn take(&mut self, tenant: &TenantId, said: DeployProgress) {
        let line = self.tellers.entry(tenant.clone()).or_default().line(&said);
        if let Some((what, text)) = line {
            self.lines.say(what, &format!("{}{text}", self.prefix(tenant)));
        }
    }

    fn stopping(&mut self, with_server: bool) {
        self.lines.say("stop", if with_server { LEAVING } else { STOPPING });
    }

    fn end(&mut self, ended: &[Ended]) -> Result<(), Problem> {
        for (tenant, result) in ended {
            let prefix = self.prefix(tenant);
            match result {
                Ok(Some(outcome)) => {
                    let address = outcome.app_url.as_deref().unwrap_or_default();
                    let took = format::duration(outcome.took);
                    self.lines.say("deployed", &format!("{prefix}{} in {took}  {address}", outcome.digest.short()));
                }
                Ok(None) => self.lines.say("check", &format!("{prefix}a deploy can begin; nothing was changed")),
                Err(problem) => tell(problem),
            }
        }
        Ok(())
    }
}

/// Nothing but the address at the end.
pub(super) struct Quiet;

impl Shows for Quiet {
    fn take(&mut self, _: &TenantId, _: DeployProgress) {}

    fn end(&mut self, ended: &[Ended]) -> Result<(), Problem> {
        let mut printed = Ok(());
        for (_, result) in ended {
            match result {
                Ok(outcome) => {
                    if let Some(url) = outcome.as_ref().and_then(|outcome| outcome.app_url.as_ref()) {
                        printed = printed.and(print(&format!("{url}\n")));
                    }
                }
                Err(problem) => tell(problem),
            }
        }
        printed
    }
}
