//! The HTTP server that all three simulators are: it records, applies faults, asks the vendor
//! and answers. It promises to know nothing of any vendor.

use std::io;
use std::net::TcpListener;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};

use crate::answer::{Answer, Outcome};
use crate::asked::Asked;
use crate::clock::Clock;
use crate::faults::Fault;
use crate::simulator::{Core, Vendor};

/// More than any vendor accepts, so that the vendor's own limit answers.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// Starts the server on threads of its own; it serves until its handle says stop.
pub(crate) fn spawn<V: Vendor>(
    core: Arc<Core<V>>,
    listener: TcpListener,
) -> io::Result<(ServerHandle, JoinHandle<()>)> {
    let (started, starting) = mpsc::channel();
    let core = Data::from(core);
    let thread = thread::Builder::new().name("simulator".to_owned()).spawn(move || {
        rt::System::new().block_on(async move {
            let server = HttpServer::new(move || {
                App::new()
                    .app_data(core.clone())
                    .app_data(PayloadConfig::new(MAX_BODY_BYTES))
                    .default_service(web::to(serve::<V>))
            });
            // One worker: calls are performed one after the other, so no route needs a lock
            // around "look, then do".
            let server = server.workers(1).disable_signals().shutdown_timeout(0).listen(listener);
            match server.map(HttpServer::run) {
                Ok(server) => {
                    let _ = started.send(Ok(server.handle()));
                    let _ = server.await;
                }
                Err(error) => drop(started.send(Err(error))),
            }
        });
    })?;
    let handle = starting.recv().map_err(|_| io::Error::other("the server thread ended"))??;
    Ok((handle, thread))
}

async fn serve<V: Vendor>(core: Data<Core<V>>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let route = core.vendor.route(request.method().as_str(), request.path());
    let asked = core.log.note(note(&request, body, route, &core.clock));
    let Some(route) = route else {
        let answer = core.vendor.refuse(&asked, 404, None);
        return send(&asked, answer);
    };
    if let Some(answer) = core.vendor.stored(route, &asked) {
        return send(&asked, answer);
    }
    match core.faults.next(route) {
        None => send(&asked, perform(&core, route, &asked).await),
        Some(fault) => misbehave(&core, route, &asked, fault).await,
    }
}

async fn misbehave<V: Vendor>(
    core: &Core<V>,
    route: V::Route,
    asked: &Asked<V::Route>,
    fault: Fault,
) -> HttpResponse {
    match fault {
        Fault::Slow(by) => {
            core.vendor.begin(route, asked);
            tokio::time::sleep(by).await;
            send(asked, finish(core.vendor.perform(route, asked)).await)
        }
        Fault::Hang => {
            core.faults.cleared().await;
            Answer::lost()
        }
        Fault::Cut if V::writes(route) => Answer::lost(),
        Fault::Cut => {
            let answer = perform(core, route, asked).await;
            let _ = asked.answered.set(answer.status);
            answer.half()
        }
        Fault::TooManyRequests { retry_after } => {
            let answer = core.vendor.refuse(asked, 429, None);
            send(
                asked,
                match retry_after {
                    Some(seconds) => answer.with("retry-after", seconds.to_string()),
                    None => answer,
                },
            )
        }
        Fault::Status(status) => send(asked, core.vendor.refuse(asked, status, None)),
        Fault::Refuse { status, code } => {
            send(asked, core.vendor.refuse(asked, status, Some(code)))
        }
        Fault::Twice => {
            perform(core, route, asked).await;
            let second = core.vendor.stored(route, asked);
            send(
                asked,
                match second {
                    Some(answer) => answer,
                    None => perform(core, route, asked).await,
                },
            )
        }
        Fault::DoneButAnswerLost => {
            perform(core, route, asked).await;
            Answer::lost()
        }
    }
}

async fn perform<V: Vendor>(core: &Core<V>, route: V::Route, asked: &Asked<V::Route>) -> Answer {
    core.vendor.begin(route, asked);
    finish(core.vendor.perform(route, asked)).await
}

async fn finish(outcome: Outcome) -> Answer {
    if let Some(before) = outcome.before {
        before.await;
    }
    if let Some(after) = outcome.after {
        rt::spawn(after);
    }
    outcome.answer
}

fn send<R>(asked: &Asked<R>, answer: Answer) -> HttpResponse {
    let _ = asked.answered.set(answer.status);
    answer.whole()
}

fn note<R>(request: &HttpRequest, body: Bytes, route: Option<R>, clock: &Clock) -> Asked<R> {
    let header = |(name, value): (&actix_web::http::header::HeaderName, &_)| {
        let value: &actix_web::http::header::HeaderValue = value;
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Asked {
        route,
        method: request.method().as_str().to_owned(),
        path: request.path().to_owned(),
        query: request.query_string().to_owned(),
        headers: request.headers().iter().map(header).collect(),
        body: body.into(),
        at: clock.now(),
        answered: OnceLock::new(),
    }
}
