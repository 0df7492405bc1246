//! Reads posted forms: small, URL-encoded, each field once.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use super::PortalError;

/// In bytes. The longest password has 1024, each of which may take three in this encoding.
pub const LARGEST: usize = 16 * 1024;

/// How long a form may take to arrive.
const PATIENCE: Duration = Duration::from_secs(15);

/// The fields of a form. What no page asks for is never looked at.
pub struct Form {
    encoded: Zeroizing<Vec<u8>>,
}

impl Form {
    /// A field's value; empty if it was not sent.
    pub fn field(&self, name: &str) -> Result<String, PortalError> {
        let mut found = form_urlencoded::parse(&self.encoded).filter(|(key, _)| key == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(String::new()),
            (Some((_, value)), None) => Ok(value.into_owned()),
            (Some(_), Some(_)) => Err(PortalError::Form("a field was sent twice")),
        }
    }

    /// All values of a field that may be sent more than once, each once.
    pub fn all(&self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        for (_, value) in form_urlencoded::parse(&self.encoded).filter(|(key, _)| key == name) {
            if values.iter().all(|known| *known != value) {
                values.push(value.into_owned());
            }
        }
        values
    }
}

pub async fn read<B>(headers: &HeaderMap, body: B) -> Result<Form, PortalError>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
{
    let kind = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        return Err(PortalError::Form("its type is not application/x-www-form-urlencoded"));
    }
    let arrived = tokio::time::timeout(PATIENCE, collect(body)).await;
    let encoded = arrived.map_err(|_| PortalError::Form("it did not arrive in time"))??;
    if std::str::from_utf8(&encoded).is_err() {
        return Err(PortalError::Form("it is not URL-encoded"));
    }
    Ok(Form { encoded })
}

/// Takes in a body that nobody reads, so that the connection can go on after it.
pub async fn discard<B>(body: B) -> Result<(), PortalError>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
{
    let arrived = tokio::time::timeout(PATIENCE, collect(body)).await;
    arrived.map_err(|_| PortalError::Form("it did not arrive in time"))?.map(drop)
}

async fn collect<B>(mut body: B) -> Result<Zeroizing<Vec<u8>>, PortalError>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin,
{
    // At its full size from the start: growing it would leave copies of a password behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| PortalError::Form("it broke off"))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > LARGEST {
            return Err(PortalError::FormTooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
