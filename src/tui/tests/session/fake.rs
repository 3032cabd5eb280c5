//! The API that a long session is played over: it answers late, in pieces, not always well, and sometimes says that the
//! login is over.

use proptest::prelude::Rng as _;
use proptest::test_runner::TestRng;
use std::collections::VecDeque;
use std::time::Duration;

use super::super::pictures::plans;
use crate::model::progress::{BuildProgress, DeployOutcome, DeployProgress, DeployStep, LocalProgress, LocalStep};
use crate::model::{CheckoutSession, Digest, LocalState, Problem, ProvisioningEvent, SessionId, Tenant, TenantId};
use crate::ops::call::{Call, Reply};
use crate::ops::login::{Kept, LoggedIn, News};
use crate::ops::save::Saved;
use crate::tui::TenantList;
use crate::tui::backend::Live;
use crate::tui::effect::Request;
use crate::tui::msg::Answer;
use crate::tui::outside::{self, Copied, Errand, Mark};
use crate::tui::testing::{event, local, log, me, phase_one, tenant, tenant_id};

/// The tenant that is bought: one that waits for its first deploy.
pub const BOUGHT: u8 = 2;

/// What happened at the API, to know that a session met it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Met {
    /// Answers that said that the login is over.
    pub over: usize,
    /// Secrets that were set.
    pub set: usize,
    /// Tenants deployed as one of several.
    pub of_several: usize,
    /// Purchases that were begun.
    pub bought: usize,
    /// Logins that went well.
    pub logged_in: usize,
}

/// The tenants that there are.
pub fn tenants() -> Vec<Tenant> {
    let phases =
        ["running", "awaiting_deploy", "suspended", "failed_infra", "failed_deploy", "provisioning", "deploying"];
    let names = ["orchard", "docs", "labs", "漢字", "a", "b", "c"];
    (1u8..).zip(names).zip(phases).map(|((number, name), phase)| tenant(number, name, phase)).collect()
}

/// The API.
#[derive(Debug, Default)]
pub struct Fake {
    /// What happened so far.
    pub met: Met,
    /// Nobody is logged in.
    over: bool,
}

fn below(rng: &mut TestRng, count: u32) -> u32 {
    rng.next_u32() % count
}

impl Fake {
    /// What is answered to a request, one after the other.
    pub fn answer(&mut self, rng: &mut TestRng, request: &Request) -> VecDeque<Answer> {
        // It ends now and then, and somebody may log in elsewhere.
        self.over = if self.over { below(rng, 25) > 0 } else { below(rng, 150) == 0 };
        if let Some(answers) = self.refused(request) {
            self.met.over += 1;
            return answers.into();
        }
        self.well(rng, request).into()
    }

    /// What is answered where the login is over.
    fn refused(&self, request: &Request) -> Option<Vec<Answer>> {
        if !self.over {
            return None;
        }
        let problem = || Problem::new("Your login is no longer valid.").hint("Log in again.").needs_login();
        Some(match request {
            Request::Account => vec![Answer::Account(Err(problem()))],
            Request::Plans => vec![Answer::Plans(Err(problem()))],
            Request::Tenants => vec![Answer::Tenants(Err(problem()))],
            Request::Checkout { .. } => vec![Answer::Checkout(Err(problem()))],
            Request::WatchCheckout(_) => vec![Answer::CheckoutEvent(Live::Failed(problem()))],
            Request::WatchTenant(_) => vec![Answer::TenantEvents(vec![Live::Failed(problem())])],
            Request::FollowLogs(id) => vec![Answer::Logs(id.clone(), vec![Live::Failed(problem())])],
            Request::Deploy(tenants) => tenants.iter().map(|id| Answer::Deployed(id.clone(), Err(problem()))).collect(),
            Request::RollBack { tenant, .. } => vec![Answer::Deployed(tenant.clone(), Err(problem()))],
            // What is on this machine needs no login.
            Request::Call(
                Call::LocalTenants
                | Call::LocalStatuses
                | Call::LocalDefaults
                | Call::StartLocal(_)
                | Call::StopLocal(_)
                | Call::RenameLocal { .. }
                | Call::DeleteLocal { .. },
            ) => return None,
            Request::Call(_) => vec![Answer::Reply(Err(problem()))],
            _ => return None,
        })
    }

    fn well(&mut self, rng: &mut TestRng, request: &Request) -> Vec<Answer> {
        match request {
            Request::Account => vec![Answer::Account(Ok(me()))],
            Request::PingApi => vec![Answer::Api(Ok(Duration::from_millis(4)))],
            Request::PingEngine => vec![Answer::Engine(Ok("default".to_owned()))],
            Request::Plans => vec![Answer::Plans(Ok(plans()))],
            Request::Tenants => vec![Answer::Tenants(Ok(TenantList { tenants: tenants(), rejected: Vec::new() }))],
            Request::Checkout { .. } if below(rng, 3) == 0 => {
                vec![Answer::Checkout(Err(Problem::new("Not for sale.")))]
            }
            Request::Checkout { .. } => {
                self.met.bought += 1;
                vec![Answer::Checkout(Ok(CheckoutSession {
                    checkout_url: "http://127.0.0.1:8765/sandbox/pay/txn_1".to_owned(),
                    transaction_id: None,
                    checkout_session_id: Some(SessionId::new("cs_1").unwrap()),
                }))]
            }
            Request::WatchCheckout(_) => {
                let of = |event| ProvisioningEvent { tenant_id: Some(tenant_id(BOUGHT)), ..event };
                let events = phase_one().into_iter().map(of).map(Live::Item);
                std::iter::once(Live::Connected).chain(events).chain([Live::Ended]).map(Answer::CheckoutEvent).collect()
            }
            Request::WatchTenant(_) => {
                vec![Answer::TenantEvents(vec![Live::Connected, Live::Item(event("k", "tenant_created", 1))])]
            }
            Request::FollowLogs(id) => {
                let lines =
                    (0..40).map(|n| Live::Item(log(n, "warn", "\u{1b}[31m漢字 a\tlonger line\u{1b}[0m of a log")));
                vec![Answer::Logs(id.clone(), std::iter::once(Live::Connected).chain(lines).collect())]
            }
            Request::Deploy(tenants) => self.deployed(rng, tenants),
            Request::RollBack { tenant, .. } => self.deployed(rng, std::slice::from_ref(tenant)),
            Request::NewLocal(_) => vec![
                Answer::LocalProgress(LocalProgress::Started { step: LocalStep::Check }),
                Answer::LocalMade(Err(Problem::new("Port 5432 is taken.").hint("Use another one."))),
            ],
            Request::Open(_) => vec![Answer::Opened(Ok(()))],
            Request::Pay(_) => vec![Answer::Paid(Ok(()))],
            Request::LogIn { .. } => {
                let news = Answer::LogIn(News::Address("https://h.example/sign-in".to_owned()));
                if below(rng, 2) == 0 {
                    return vec![news, Answer::LoggedIn(Err(Problem::new("Nobody signed in.").into()))];
                }
                self.over = false;
                self.met.logged_in += 1;
                let logged_in = LoggedIn {
                    me: me(),
                    api: "http://127.0.0.1:8765".to_owned(),
                    context: None,
                    kept: Kept::Keyring,
                    expires_at: None,
                    warnings: Vec::new(),
                    tenants_damaged: false,
                };
                vec![news, Answer::LoggedIn(Ok(logged_in))]
            }
            Request::LogOut if below(rng, 2) == 0 => {
                self.over = true;
                vec![Answer::LoggedOut(Ok(()))]
            }
            Request::LogOut => vec![Answer::LoggedOut(Err(Problem::new("The keyring is locked.")))],
            Request::Call(call) => vec![Answer::Reply(self.called(rng, call))],
        }
    }

    /// One after the other, each with a word of its own before; some go well.
    fn deployed(&mut self, rng: &mut TestRng, tenants: &[TenantId]) -> Vec<Answer> {
        let step = DeployStep::Build;
        let mut answers = Vec::new();
        for id in tenants {
            let said = [
                DeployProgress::Started { step },
                DeployProgress::Build { progress: BuildProgress::Context { sent: 4_200_000 } },
            ];
            answers.extend(said.map(|progress| Answer::DeployProgress(id.clone(), progress)));
        }
        for id in tenants {
            let result = if below(rng, 2) == 0 {
                Err(Problem::new("Stopped."))
            } else {
                Ok(DeployOutcome {
                    app_url: Some("http://127.0.0.1:49153".to_owned()),
                    digest: Digest::new(&format!("sha256:5e1f2a9c{}", "0".repeat(56))).unwrap(),
                    image_id: None,
                    took: Duration::from_millis(9_800),
                })
            };
            self.met.of_several += usize::from(tenants.len() > 1);
            answers.push(Answer::Deployed(id.clone(), result));
        }
        answers
    }

    fn called(&mut self, rng: &mut TestRng, call: &Call) -> Result<Reply, Problem> {
        match call {
            Call::LocalTenants | Call::LocalStatuses => {
                let of = |(id, state)| local(id, "here", state);
                let statuses = [("local_1", LocalState::Running), ("local_2", LocalState::Stopped)].map(of);
                Ok(Reply::LocalStatuses(statuses.to_vec()))
            }
            Call::Secrets(_) => Ok(Reply::Secrets(vec!["A".to_owned(), "B".to_owned()])),
            Call::SetSecrets { secrets, .. } if below(rng, 4) > 0 => {
                self.met.set += 1;
                let set = secrets.keys().cloned().collect();
                Ok(Reply::SecretsSet { set, ignored: Vec::new(), keys: None, restarted: below(rng, 2) == 0 })
            }
            Call::UnsetSecret { key, .. } => Ok(Reply::SecretUnset { key: key.clone(), already: false }),
            _ => Err(Problem::new("The API answers 500.").hint("Try again later.")),
        }
    }

    /// What becomes of an errand; `None` where nothing is said.
    pub fn errand(rng: &mut TestRng, errand: &Errand) -> Option<Answer> {
        let answer = match errand {
            Errand::Copy(text) if below(rng, 4) > 0 => outside::Answer::Copied(Ok(Copied {
                desktop: below(rng, 2) == 0,
                tmux: false,
                terminal: true,
                mark: Mark::of(text.reveal()),
            })),
            Errand::Copy(_) => outside::Answer::Copied(Err(Problem::new("Nothing was copied."))),
            Errand::Save { path, replace, .. } if *replace || below(rng, 2) == 0 => {
                outside::Answer::Saved(Ok(Saved::Done(path.into())))
            }
            Errand::Save { path, .. } => outside::Answer::Saved(Ok(Saved::Exists(path.into()))),
            Errand::Notify { .. } => outside::Answer::Notified,
            Errand::Clear(_) => outside::Answer::Cleared(true),
            Errand::Edit { .. } | Errand::Mouse(_) | Errand::Suspend => return None,
        };
        Some(Answer::Outside(answer))
    }
}
