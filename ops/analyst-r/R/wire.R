# Calls on the edge's JSON API (the Connect protocol's unary form).

.audience <- "pharos.audience.v1"
.customer <- "pharos.customer.v1"
.page <- 1000L

#' Connect to a Pharos system.
#'
#' @param url Of the edge: "https://pharos.example.org".
#' @param token,token_file Your access key, or the file whose first line is it.
#' @param ca_file PEM file of the authority that signed the server's certificate, where the system does not know it.
#' @param patience Seconds to wait for a service that is starting.
pharos_connect <- function(url, token = "", token_file = NULL, ca_file = NULL, patience = 30) {
  if (!is.null(token_file)) token <- trimws(readLines(token_file, n = 1L, warn = FALSE))
  if (!nzchar(token)) stop("give your access key: token= or token_file=", call. = FALSE)
  structure(list(url = sub("/+$", "", url), token = token, ca_file = ca_file, patience = patience), class = "pharos_connection")
}

print.pharos_connection <- function(x, ...) {
  cat("<pharos ", x$url, ">\n", sep = "")
  invisible(x)
}

.json <- function(value) jsonlite::toJSON(value, auto_unbox = TRUE, null = "null", digits = NA)

# An empty list is {} where an object is meant.
.object <- function(...) {
  fields <- Filter(Negate(is.null), list(...))
  if (length(fields) == 0L) structure(list(), names = character()) else fields
}

.condition <- function(message, class, ...) {
  structure(class = c(class, "pharos_error", "error", "condition"), list(message = message, call = NULL, ...))
}

# An error as the service said it: `reason` is its stable name.
.fail <- function(status, body) {
  said <- tryCatch(jsonlite::fromJSON(body, simplifyVector = FALSE), error = function(e) list())
  debug <- if (length(said$details)) said$details[[1L]]$debug else list()
  class <- switch(said$code %||% "", permission_denied = "pharos_not_allowed", not_found = "pharos_not_found",
                  unavailable = "pharos_try_later", unauthenticated = "pharos_not_allowed", "pharos_refused")
  if (identical(debug$reason, "FILTER_WRONG")) class <- "pharos_filter_error"
  message <- said$message %||% sprintf("the server answered %d without words", status)
  stop(.condition(message, class, reason = debug$reason %||% "", code = said$code %||% "", facts = debug$metadata %||% list()))
}

`%||%` <- function(a, b) if (is.null(a)) b else a

.handle <- function(connection, request) {
  handle <- curl::new_handle()
  curl::handle_setheaders(handle, "Content-Type" = "application/json", "Authorization" = paste("Bearer", connection$token))
  options <- list(postfields = as.character(.json(request)), timeout = 60L)
  if (!is.null(connection$ca_file)) options$cainfo <- connection$ca_file
  do.call(curl::handle_setopt, c(list(handle), options))
  handle
}

.ask <- function(connection, service, method, request = .object()) {
  end <- Sys.time() + connection$patience
  repeat {
    answer <- tryCatch(curl::curl_fetch_memory(sprintf("%s/%s/%s", connection$url, service, method), .handle(connection, request)),
                       error = identity)
    away <- inherits(answer, "error") || answer$status_code == 503L
    if (!away || Sys.time() > end) break
    Sys.sleep(0.1)
  }
  if (inherits(answer, "error"))
    stop(.condition(sprintf("%s cannot be reached: %s", connection$url, conditionMessage(answer)), "pharos_try_later", reason = "AWAY",
                    code = "unavailable", facts = list()))
  body <- rawToChar(answer$content)
  Encoding(body) <- "UTF-8"
  if (answer$status_code != 200L) .fail(answer$status_code, body)
  jsonlite::fromJSON(body, simplifyVector = FALSE)
}

.pages <- function(connection, service, method, field, ..., most = Inf) {
  found <- list()
  token <- NULL
  repeat {
    answer <- .ask(connection, service, method, .object(..., pageSize = as.integer(min(most, .page)), pageToken = token))
    found <- c(found, answer[[field]])
    token <- answer$nextPageToken
    if (is.null(token) || !nzchar(token) || length(found) >= most) return(utils::head(found, most))
  }
}

# camelCase columns of messages as a data frame with names_like_this.
.frame <- function(messages, columns) {
  read <- function(column) vapply(messages, function(m) as.character(m[[column]] %||% NA), character(1L))
  frame <- as.data.frame(lapply(stats::setNames(columns, columns), read), stringsAsFactors = FALSE)
  names(frame) <- gsub("([A-Z])", "_\\L\\1", columns, perl = TRUE)
  frame
}

.named <- function(word, collection) {
  if (is.null(word) || !nzchar(word) || startsWith(word, paste0(collection, "/"))) word else paste0(collection, "/", word)
}
