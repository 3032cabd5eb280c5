//! Deploying: of the selected tenant or of all that are marked, and stopping it.

use super::{done, in_the_cloud, no_tenant, project};
use crate::model::{Problem, Remedy, Tenant, TenantId, TenantState};
use crate::tui::app::{App, Health, Shared};
use crate::tui::commands::{Command, Scope, command};
use crate::tui::dialogs::confirm::Question;
use crate::tui::effect::{Effect, Request};
use crate::tui::jobs::Slot;
use crate::tui::panes::Pane;
use crate::tui::update::timers;
use crate::tui::view::layout;

/// The rows.
pub const COMMANDS: &[Command] = &[
    command(
        "deploy",
        Scope::Main,
        &["d"],
        "deploy",
        "Build the project, push its image and deploy the selected tenant, or all that are marked.",
        deploy,
    )
    .hinted()
    .changes()
    .asking(several),
    command(
        "deploy.cancel",
        Scope::Main,
        &["c"],
        "cancel",
        "Stop the running deploy; one that the server has is left to it.",
        cancel,
    )
    .hinted()
    .when(can_cancel),
];

/// Whether a tenant can be deployed to now, and why not.
pub fn check(shared: &Shared, tenant: &Tenant) -> Result<(), Problem> {
    in_the_cloud(tenant)?;
    project::needed(shared, "a deploy")?;
    if let Some(run) = shared.deploys.running(&tenant.id) {
        return Err(Problem::new(format!("A deploy of {} is running.", run.name))
            .hint(format!("Wait until it ends, or {} to stop it.", shared.press("deploy.cancel"))));
    }
    if shared.jobs.is_running(&Slot::Deploy(tenant.id.clone())) {
        // The job is named after it, and a second one of that name would end the first.
        return Err(Problem::new(format!("The deploy that {} was a part of still runs for others.", tenant.name))
            .hint("Wait until they end."));
    }
    let name = &tenant.name;
    let press = || shared.press("deploy");
    let refuse = |title: String, hint: &str| Err(Problem::new(title).hint(hint));
    match tenant.state() {
        TenantState::Provisioning => {
            return refuse(
                format!("{name} is still being provisioned."),
                &format!("Wait until its status says \"to deploy\", then {}.", press()),
            );
        }
        TenantState::Deploying | TenantState::Restarting => {
            return refuse(
                format!("{name} is {} now.", tenant.state().word()),
                &format!("Wait until it runs, then {}.", press()),
            );
        }
        TenantState::Suspended => {
            return refuse(format!("{name} is suspended."), &format!("Activate it, then {}.", press()));
        }
        TenantState::Deleting => {
            return refuse(format!("{name} is being deleted."), "It cannot be deployed to any more.");
        }
        TenantState::Failed if tenant.phase.as_deref() == Some("failed_infra") => {
            return refuse(
                format!("{name} has no infrastructure: its provisioning failed."),
                "Its events say at which step. Retry the provisioning before a deploy.",
            );
        }
        TenantState::ToDeploy
        | TenantState::Running
        | TenantState::Failed
        | TenantState::Unknown
        | TenantState::Local(_) => {}
    }
    match &shared.engine {
        Health::Down(problem) => {
            let told = Problem::new("Docker does not answer, and a deploy builds its image with it.");
            let told = told.detail(problem.detail.as_deref().unwrap_or(&problem.title));
            let hint = problem.hint.clone().unwrap_or_else(|| format!("Start Docker, then {} again.", press()));
            Err(told.hint(hint).remedy(Remedy::Retry))
        }
        Health::Unknown | Health::Up(_) => Ok(()),
    }
}

/// One is deployed with one key; of several it is asked whether they were meant.
fn several(app: &App) -> Option<Question> {
    let targets = app.shared.tenants.targets();
    if targets.len() < 2 {
        return None;
    }
    let names: Vec<&str> = targets.iter().map(|tenant| tenant.name.as_str()).collect();
    Some(
        Question::new(format!("Deploy {} tenants?", targets.len()), "Yes, deploy")
            .text(format!("The project is built once and deployed to {}.", names.join(", ")))
            .about(targets.iter().map(|tenant| tenant.id.clone())),
    )
}

fn deploy(app: &mut App) -> Vec<Effect> {
    let targets: Vec<Tenant> = app.shared.tenants.targets().into_iter().cloned().collect();
    deploy_to(app, &targets)
}

/// Deploys this one, whatever is marked, and selects it.
pub fn one(app: &mut App, id: &TenantId) -> Vec<Effect> {
    app.shared.tenants.clear_marks();
    app.shared.tenants.select(id);
    match app.shared.tenants.get(id).cloned() {
        Some(target) => deploy_to(app, &[target]),
        None => deploy_to(app, &[]),
    }
}

fn deploy_to(app: &mut App, targets: &[Tenant]) -> Vec<Effect> {
    if targets.is_empty() {
        app.shared.tell(&no_tenant());
        return done();
    }
    if let Some(problem) = targets.iter().find_map(|tenant| check(&app.shared, tenant).err()) {
        return refuse(app, problem);
    }
    let job = targets[0].id.clone();
    let ids: Vec<TenantId> = targets.iter().map(|tenant| tenant.id.clone()).collect();
    begin(app, targets, &job);
    app.shared.tenants.clear_marks();
    vec![app.shared.start(Slot::Deploy(job), Request::Deploy(ids))]
}

/// Notes that these tenants are being deployed by one job, and shows the pane that tells.
pub fn begin(app: &mut App, targets: &[Tenant], job: &TenantId) {
    let now = app.shared.now;
    for tenant in targets {
        app.shared.deploys.begin(tenant.id.clone(), tenant.name.clone(), job.clone(), now);
    }
    app.panes.deploy.begin();
    show(app);
}

/// Says in place, where the deploy would have been, why there is none.
fn refuse(app: &mut App, problem: Problem) -> Vec<Effect> {
    app.shared.problem = Some(problem.clone());
    app.panes.deploy.refusal = Some(problem);
    show(app);
    if matches!(app.shared.engine, Health::Down(_)) {
        // It may have been started since; the next press must not wait for the next round of questions.
        return timers::ask_health(app);
    }
    done()
}

/// Where the deploy cannot be seen, its pane is the one to look at now.
fn show(app: &mut App) {
    if !layout::shows(app, Pane::Deploy) {
        app.show(Pane::Deploy);
    }
}

/// The tenant whose deploy a key would stop: the selected one's, else the only one that runs.
fn running(app: &App) -> Option<&TenantId> {
    let shared = &app.shared;
    let own = app.selected().map(|tenant| &tenant.id).filter(|id| shared.deploys.running(id).is_some());
    own.or_else(|| {
        let mut all = shared.deploys.all_running();
        let first = all.next()?.0;
        all.next().is_none().then_some(first)
    })
}

fn can_cancel(app: &App) -> Result<(), Problem> {
    let run = running(app).and_then(|id| app.shared.deploys.running(id));
    match run {
        Some(run) if run.cancelling => Err(Problem::new("The deploy is already being stopped.")),
        Some(_) => Ok(()),
        None if app.shared.deploys.any_running() => {
            Err(Problem::new("Several deploys are running.").hint("Select the tenant whose deploy should stop."))
        }
        None => Err(Problem::new("No deploy is running.")),
    }
}

fn cancel(app: &mut App) -> Vec<Effect> {
    let Some(job) = running(app).and_then(|id| app.shared.deploys.job_of(id)).cloned() else { return done() };
    app.shared.deploys.cancel(&job);
    vec![Effect::Stop(Slot::Deploy(job))]
}

/// Whether the selected tenant, or every marked one, can be deployed to now.
pub fn deploy_selected(app: &App) -> Result<(), Problem> {
    let targets = app.shared.tenants.targets();
    if targets.is_empty() {
        return Err(no_tenant());
    }
    targets.into_iter().try_for_each(|tenant| check(&app.shared, tenant))
}
