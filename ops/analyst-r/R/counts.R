.certainty <- function(figure) {
  switch(figure$certainty %||% "", EXACT = "exact", ROUNDED = "rounded", "suppressed")
}

# A number as it was told: NA where it was not, never 0.
.figure <- function(figure) {
  certainty <- .certainty(figure)
  value <- if (certainty == "suppressed") NA_real_ else as.numeric(figure$value %||% 0)
  list(value = value, certainty = certainty, rule = figure$rule %||% "")
}

.what <- function(filter, audience) {
  if (!is.null(filter) && nzchar(filter) && !is.null(audience)) stop("give a filter or a saved audience, not both", call. = FALSE)
  if (is.null(audience)) list(filter = filter %||% "") else list(audience = .named(audience, "audiences"))
}

.edge <- function(edge) if (inherits(edge, "Date")) format(edge, "%Y-%m-%d") else as.character(edge)

# A cell's key as people write it: "18-39", "75+", "1960-01-01 to 1969-12-31", "1970-01-01 on".
.band <- function(key, edges) {
  if (!nzchar(key)) return(NA_character_)
  texts <- vapply(edges, .edge, character(1L))
  at <- match(key, texts)
  if (is.na(at)) return(key)
  after <- if (at < length(texts)) texts[[at + 1L]] else NULL
  if (grepl("^[0-9]+$", key)) {
    if (is.null(after)) return(paste0(key, "+"))
    last <- as.integer(after) - 1L
    return(if (last == as.integer(key)) key else paste0(key, "-", last))
  }
  if (is.null(after)) paste(key, "on") else paste(key, "to", format(as.Date(after) - 1, "%Y-%m-%d"))
}

.row <- function(keys, measure, figure) {
  as.data.frame(c(keys, list(measure = measure, value = figure$value, certainty = figure$certainty, rule = figure$rule)),
                stringsAsFactors = FALSE, optional = TRUE)
}

.counts <- function(rows, answer, rule_set) {
  frame <- do.call(rbind, rows)
  rownames(frame) <- NULL
  attr(frame, "suppression") <- sprintf("rule set %s: cells that are not told are NA, never 0; `rule` says why", rule_set)
  attr(frame, "query") <- answer$query
  attr(frame, "position") <- answer$position
  class(frame) <- c("pharos_counts", "data.frame")
  frame
}

print.pharos_counts <- function(x, ...) {
  shown <- as.data.frame(unclass(x), stringsAsFactors = FALSE, optional = TRUE)
  shown$value <- ifelse(is.na(x$value), "not told", format(x$value, big.mark = ",", trim = TRUE))
  print(shown, row.names = FALSE, right = FALSE)
  invisible(x)
}

#' How many people a filter, or a saved audience, matches.
#'
#' One row for each cell and number: the columns of `by`, then measure ("people" for the cell itself), value (NA where it is not told),
#' certainty (exact, rounded, suppressed) and rule.
#'
#' @param by Up to four fields.
#' @param bands For ages and dates: ascending lower edges, by field, e.g. list(age = c(18, 40, 65)).
#' @param measures Further numbers of each cell's people: named filters.
#' @param as_of A time in the past, where the system keeps snapshots.
pharos_counts <- function(connection, filter = "", by = character(), bands = list(), measures = character(), audience = NULL,
                          as_of = NULL) {
  unknown <- setdiff(names(bands), by)
  if (length(unknown)) stop(sprintf("bands are given for \"%s\", which is not in by", unknown[[1L]]), call. = FALSE)
  when <- if (is.null(as_of)) NULL else sprintf("%.0f", as.numeric(as.POSIXct(as_of, tz = "UTC")) * 1e6)
  service <- paste0(.audience, ".AudienceService")
  if (length(by) == 0L) {
    if (length(measures)) stop("measures need by=", call. = FALSE)
    answer <- .ask(connection, service, "CountAudience", do.call(.object, c(.what(filter, audience), list(asOfTimeUs = when))))
    figure <- .figure(answer$figure)
    return(.counts(list(.row(list(), "people", figure)), answer, sub("/.*", "", figure$rule)))
  }
  dimensions <- lapply(by, function(name) list(field = name, edges = as.list(vapply(bands[[name]], .edge, character(1L)))))
  named <- Map(function(name, of) list(name = name, filter = of), names(measures), measures, USE.NAMES = FALSE)
  answer <- .ask(connection, service, "BreakDownAudience",
                 do.call(.object, c(.what(filter, audience), list(dimensions = dimensions, measures = named, asOfTimeUs = when))))
  rows <- list()
  for (cell in answer$cells) {
    keys <- stats::setNames(Map(function(key, name) .band(key, bands[[name]]), cell$keys, by), by)
    rows <- c(rows, list(.row(keys, "people", .figure(cell$people))))
    for (m in seq_along(named)) rows <- c(rows, list(.row(keys, named[[m]]$name, .figure(cell$measures[[m]]))))
  }
  .counts(rows, answer, answer$ruleSet %||% "none")
}

# In the order in which the gate judges.
.gate <- c("DECEASED", "ENDPOINT_SUPPRESSED", "PAUSED", "OPTED_OUT", "OBJECTED", "NO_CONSENT", "NO_ENDPOINT")

#' From who matches to who would get a message: matched, each reason why somebody would not, members.
#'
#' Where only a rounded number may be told there is no funnel: `matched` alone.
pharos_funnel <- function(connection, filter = "", purpose, channels = "sms", audience = NULL) {
  wanted <- c(sms = "CHANNEL_SMS", email = "CHANNEL_EMAIL")[tolower(channels)]
  if (anyNA(wanted)) stop("channels are \"sms\" and \"email\"", call. = FALSE)
  answer <- .ask(connection, paste0(.audience, ".AudienceService"), "CountAudience",
                 do.call(.object, c(.what(filter, audience), list(purpose = .named(purpose, "purposes"), channels = as.list(unname(wanted))))))
  matched <- .figure(answer$figure)
  steps <- list(.row(list(), "matched", matched))
  if (matched$certainty == "exact") {
    exact <- function(value) list(value = as.numeric(value %||% 0), certainty = "exact", rule = "")
    reasons <- answer$excluded %||% list()
    reasons <- reasons[order(match(names(reasons), .gate))]
    steps <- c(steps, Map(function(reason, many) .row(list(), reason, exact(many)), names(reasons), reasons, USE.NAMES = FALSE))
    steps <- c(steps, list(.row(list(), "members", exact(answer$members))))
  }
  frame <- .counts(steps, answer, sub("/.*", "", matched$rule))
  names(frame)[names(frame) == "measure"] <- "step"
  frame
}
