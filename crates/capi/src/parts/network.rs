//! Settings of connections.

#[cfg(feature = "socket")]
use crate::url::Settings;
#[cfg(feature = "socket")]
use engine::{Error, Result};
#[cfg(feature = "socket")]
use trommel_connect::socket;

/// Takes the settings that requests of both directions have.
#[cfg(feature = "http")]
macro_rules! http_settings {
    ($request:ident, $settings:ident) => {
        if let Some(header) = $settings.take("header") {
            let Some((name, value)) = header.split_once(':') else {
                let message = "header: write NAME: VALUE";
                return Err(engine::Error::config(message));
            };
            $request = $request.header(name.trim(), value.trim());
        }
        if let Some(token) = $settings.take("bearer") {
            $request = $request.bearer(token);
        }
        if let Some(timeout) = $settings.millis("connect_timeout_ms")? {
            $request = $request.connect_timeout(timeout);
        }
        if let Some(timeout) = $settings.millis("answer_timeout_ms")? {
            $request = $request.answer_timeout(timeout);
        }
        if let Some(timeout) = $settings.millis("idle_timeout_ms")? {
            $request = $request.idle_timeout(timeout);
        }
        if let Some(path) = $settings.take("root_certificates") {
            let pem = std::fs::read(&path).map_err(|error| {
                let message = format!("root_certificates: {path} can't be read");
                engine::Error::new(engine::ErrorKind::Io, message).caused_by(error)
            })?;
            $request = $request.root_certificates(pem);
        }
    };
}
#[cfg(feature = "http")]
pub(super) use http_settings;

/// `tcp:HOST:PORT`, `tcp://HOST:PORT`, `unix:PATH` or `unix://PATH`.
#[cfg(feature = "socket")]
pub(super) fn socket(ask: &super::Ask<'_>, settings: &mut Settings) -> Result<socket::Builder> {
    let (transport, address) = ask.url.path.split_once(':').unwrap_or_default();
    let address = address.strip_prefix("//").unwrap_or(address);
    let socket = match transport {
        "tcp" => socket::tcp(address),
        #[cfg(unix)]
        "unix" => socket::unix(address),
        _ => return Err(Error::config(format!("url: `{transport}:` is not here"))),
    };
    let socket = socket.cancel_with(ask.cancel, super::GRACE);
    Ok(match settings.millis("connect_timeout_ms")? {
        Some(timeout) => socket.connect_timeout(timeout),
        None => socket,
    })
}

/// Lines of JSON, over a socket.
#[cfg(feature = "socket")]
pub(super) struct JsonLines(pub(super) socket::Sink);

#[cfg(feature = "socket")]
impl engine::Sink for JsonLines {
    type Page = <socket::Sink as engine::Sink>::Page;
    type Encoder = <socket::Sink as engine::Sink>::Encoder;

    fn encoder(&mut self) -> Result<Self::Encoder> {
        self.0.encoder()
    }

    fn write(&mut self, page: &mut Self::Page) -> Result<()> {
        self.0.write(page)
    }

    fn commit(
        &mut self,
        checkpoint: &engine::Checkpoint,
        when: engine::Commit,
    ) -> Result<engine::Durability> {
        self.0.commit(checkpoint, when)
    }

    fn finish(&mut self) -> Result<()> {
        self.0.finish()
    }

    fn abort(&mut self) -> engine::Durability {
        self.0.abort()
    }
}

#[cfg(feature = "socket")]
impl engine::Encode<&super::record::Record<'_>> for JsonLines {
    fn encode(
        encoder: &Self::Encoder,
        page: &mut Self::Page,
        record: &super::record::Record<'_>,
    ) -> Result<()> {
        let line = serde_json::to_vec(record)
            .map_err(|error| Error::row("the value can't be written as JSON").caused_by(error))?;
        <socket::Sink as engine::Encode<&[u8]>>::encode(encoder, page, &line)
    }
}
