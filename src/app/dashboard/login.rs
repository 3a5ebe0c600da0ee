//! Signing in and out. One wrong password after another waits longer, and one password is compared
//! at a time: guessing costs the guesser, not the machine.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use maud::{Markup, html};

use super::form::Posted;
use super::guard::{Visit, ended_cookie, session_cookie, to};
use super::refusal::Refusal;
use super::session::Standing;
use super::{Desk, shell};
use crate::store::audit_log::{Act, Action, Actor};

/// The form to sign in; whoever is inside goes to the overview.
pub async fn form(visit: Visit) -> HttpResponse {
    match visit.session.standing {
        Standing::Inside => to("/"),
        Standing::Outside => shell::answer(StatusCode::OK, page(&visit, None)),
    }
}

/// A password.
pub async fn sign_in(
    desk: Data<Desk>,
    posted: Posted,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let Some(password) = desk.password.clone() else { return Ok(to("/")) };
    let (visit, now) = (&posted.visit, desk.clock.now());
    if let Some(wait) = desk.throttle.wait(visit.remote, now) {
        return Err(Refusal::Wait(wait.num_seconds() + 1));
    }
    let told = posted.as_typed("password").to_owned();
    let one_at_a_time = desk.comparing.acquire().await.map_err(|_| Refusal::Broken)?;
    // Asked again: ten that came at once are not ten free tries.
    if let Some(wait) = desk.throttle.wait(visit.remote, now) {
        return Err(Refusal::Wait(wait.num_seconds() + 1));
    }
    let right = web::block(move || password.is(&told)).await.map_err(|_| Refusal::Broken)?;
    if !right {
        desk.throttle.wrong(visit.remote, now);
        drop(one_at_a_time);
        note(&desk, visit.actor(), Action::SignInRefused).await?;
        let again = page(visit, Some("That is not the password."));
        return Ok(shell::answer(StatusCode::UNAUTHORIZED, again));
    }
    drop(one_at_a_time);
    desk.throttle.right(visit.remote);
    // A cookie that somebody planted before does not become one of somebody inside.
    desk.sessions.close(&visit.cookie);
    let (cookie, session) = desk.sessions.open(Standing::Inside, now);
    let actor = Actor { name: session.label, remote: visit.remote.to_string() };
    note(&desk, actor, Action::SignIn).await?;
    let cookie = session_cookie(&cookie, request.headers());
    let mut answer = to("/");
    answer.add_cookie(&cookie).map_err(|_| Refusal::Broken)?;
    Ok(answer)
}

/// Ends the session.
pub async fn sign_out(desk: Data<Desk>, posted: Posted) -> Result<HttpResponse, Refusal> {
    desk.sessions.close(&posted.visit.cookie);
    note(&desk, posted.visit.actor(), Action::SignOut).await?;
    let mut answer = to("/login");
    answer.add_cookie(&ended_cookie()).map_err(|_| Refusal::Broken)?;
    Ok(answer)
}

async fn note(desk: &Desk, actor: Actor, action: Action) -> Result<(), Refusal> {
    let now = desk.clock.now();
    desk.ask(move |store| async move {
        let act = Act { actor: &actor, action, subject: String::new(), details: None, now };
        store.note_act(&act).await
    })
    .await
}

fn page(visit: &Visit, wrong: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Paragon" }
        form.stack method="post" action="/login" {
            (shell::token(visit))
            label for="password" { "Password" }
            input #password name="password" type="password" required autofocus
                autocomplete="current-password" aria-describedby=[wrong.map(|_| "wrong")];
            @if let Some(words) = wrong { p #wrong.wrong role="alert" { (words) } }
            button type="submit" { "Sign in" }
        }
    };
    shell::bare("Sign in", &body)
}
