/* Permits: a model of customer, dispatch, connectors and provider, in discrete time, with crashes and a bad network.
   permit_model_test.py runs it; what it asserts, services/customer, services/dispatch and connectors/sdk do.

   Run:   spin -a [-Dx=..] permit.pml && gcc -O3 -DSAFETY -DNOREDUCE -DNOSTUTTER -DHC4 -o pan pan.c && ./pan -m5000000 -w26
   (-DHC4 stores a 64-bit signature for a state. Left out, it is exact and needs several times the memory.)

   Asserted   S1 no hand-over covered by an acknowledged opt-out     S2 at most one hand-over for an intent; what dispatch
   has on disk is true of the provider     S3 counters = recount at every tick     -DBOUND opt-out acknowledged within D of
   its commit or of customer's last start     -DCALM no faults: every intent ends sent (or excluded by the opt-out), and
   the opt-out is acknowledged.

   -DQUERY: what is in doubt is settled by LookUp and Finding: dispatch asks only after the hard stop; a connector of
   any life asks the provider, believes "there" at once and "not there" only LAG later, since a provider shows what it
   has accepted only after a while; the finding may come whenever, and counts for its very id.

   Results (spin 6.5.2; all finished, 0 errors)                                                     states       s
     (defaults: 1 intent, 2 attempts, 1 connector, 2 crashes, 1 duplicate, U = 1)                7,504,847      13
     -DU=2                                                                                      18,705,497      45
     -DNK=2 -DCRASHES=1 -DDUPS=0                        two connectors                          44,318,554     109
     -DNI=2 -DCOVER=3 -DCRASHES=1 -DDUPS=0              two persons, one shared endpoint         3,132,299       6
     -DNI=2 -DCOVER=1 -DCRASHES=1 -DDUPS=0              two persons, opt-out of one              6,148,517      12
     -DSKIPS=1 -DCRASHES=1                              a connector's clock loses a tick        12,639,682      26
     -DQUERY -DCRASHES=1 -DDUPS=0 -DCOVER=0             in-doubt settled by asking the provider  1,385,304       7
     -DBOUND                                                                                       841,223       2
     -DBOUND -DNI=2 -DCOVER=3 -DCRASHES=1                                                        2,231,444       4
     -DCALM -DNI=2 -DNK=2 -DU=2 -DCRASHES=0 -DDUPS=0 -DCOVER=0 | 1 | 3                  12,597 | 10,107 | 4,986    1
     -DNI=2 -DNQ=3 -DNK=2 -DCOVER=3 -DU=2 with -DBITSTATE in place of -DHC4, ./pan -w34 -k3: stopped after 160 s and
     66 million states, no error; NOT finished.
   -DWEAK counts hand-overs only: with -DNQ=3 -DCOVER=0 -DCRASHES=1 REGRANT, LATEWRITE, MATCH, OLDREFUSE and NOSEEN reach a
   real second one (27 to 36 million states); EARLYQUERY does with -DCOVER=0 -DCRASHES=0 -DDUPS=0.
   -DREACH must fail (it does): a hand-over on the second attempt after a crash, then the acknowledgement, is reachable.

   Mutants: 31, all caught (S1 unless noted), each within a minute, with the defaults and -D<name>:
     customer   M_NOWAIT acknowledges without waiting            M_NORESTARTWAIT forgets the wait after a restart
                M_ACKDUP answers "already withdrawn" at once     M_RESPACK takes STOP's transport ack for the acknowledgement
                M_LOOKFIRST looks, then registers                M_SCANFIRST fixes the wait set before the commit
                M_DUPDENY lets a repeated, now denied request remove the live permit
                M_PERSONONLY (-DNI=2 -DCOVER=3 -DCRASHES=1) waits for the person, not for the endpoint
                M_NOEXPIRE (-DBOUND) waits for releases only     M_LATEREG (-DBOUND) later registrations extend the wait
     dispatch   M_GRANTTIME lease from the grant's arrival       M_RECEIPT lease from the attempt's arrival at the connector
                M_EARLYREL releases on passing on                M_DOUBTREL releases when it gives up waiting
                M_IDREUSE ids start again after a crash
                M_REGRANT (S2) restart queues SUBMITTING again   M_LATEWRITE (S2) sends before SUBMITTING is on disk
                M_MATCH (S2) an old refusal for the intent, not for the id      M_CNT (S3) counters in a commit of their own
                M_EARLYQUERY (S2, with QUERY) asks before the hard stop
                M_FINDMATCH (S2, with QUERY) takes an old finding for the intent, not for the id
     connector  M_PAUSE stopped between check and write          M_SOCKBUF bytes wait in the send queue
                M_LINGER the send queue outlives the process     M_FREEZE its clock stands still (suspend, VM pause)
                M_NOFENCE takes attempts whatever pull or life they answer (S2 with -DCOVER=0)
                M_OLDREFUSE (S2) refuses what was meant for its former life     M_NOSEEN (S2) forgets what it handed over
                M_NOLAG (S2, with QUERY) believes "not there" before the provider would show it
     clocks     -DSKIPS=1 -DD=2: no margin for drift

   Left out: re-consent, linking, receipts, several processes of one service, at-least-once. */

/* ------------------------------------------------------------------ sizes */
#ifndef NI
#define NI 1                 /* intents; intent i is for person i */
#endif
#ifndef NQ
#define NQ 2                 /* attempt ids in all (one id = request = permit = attempt) */
#endif
#ifndef NK
#define NK 1                 /* connectors */
#endif
#ifndef NP
#define NP 2                 /* pulls per connector, over all its lives */
#endif
#ifndef COVER
#define COVER 1              /* intents the opt-out covers, as a mask; 3 = an endpoint that both persons share */
#endif
#ifndef CRASHES
#define CRASHES 2            /* crash-restarts in all, of any process */
#endif
#ifndef DUPS
#define DUPS 1               /* requests or pulls taken twice (attempts, outcomes and releases: without limit) */
#endif
#ifndef SKIPS
#define SKIPS 0              /* ticks that a connector's clock may miss (drift) */
#endif
#ifndef U
#define U 1                  /* use-by: ticks from the moment dispatch SENT the request */
#endif
#ifndef E
#define E 1                  /* check -> write -> bytes acknowledged by the provider's TCP, or killed */
#endif
#ifndef D
#define D (U + E + SKIPS)    /* what customer counts, from registration */
#endif
#ifdef QUERY
#ifndef LAG
#define LAG 2                /* ticks until the provider shows what it has accepted */
#endif
#define DW D
#else
#define DW 0
#endif
#define PM 2                 /* a pull older than this is dead */
#define NONE 15

#define has(m,q)   (((m) >> (q)) & 1)
#define put(m,q)   m = m | (1 << (q))
#define cut(m,q)   m = m & ~(1 << (q))   /* spin ends a statement at a line end: keep guards on one line */
#define covered(i) ((COVER >> (i)) & 1)

/* ------------------------------------------- network: sets that only grow.
   A message once sent may be taken at any later time (delay, reordering), again (duplicate), or never (loss). */
byte nREQ, nGRANT, nDENY, nREL, nATT, nHANDED, nREFUSED;
byte nPULL[NK];
bool acked;
byte qi[NQ], qk[NQ], qpull[NQ], qL[NQ];

/* -------------------------------------------------------------- customer
   A crash-and-restart is one step; being down before it is the same as being slow before it. */
bool ledger;                 /* durable: the withdrawal */
byte cP[NQ];                 /* permit table: ticks left, 0 = not in the table */
byte cPh[NQ];                /* grant in progress: 0 no, 1 registered, (mutant: 2 looked ok, 3 looked denied) */
byte cOpt;                   /* 0 idle, 1 received, 2 committed, 3 scanned */
byte wS;                     /* the permits this opt-out waits for */
byte cWait;                  /* after a restart */
byte age;                    /* ticks since the opt-out reached this life of customer */

/* -------------------------------------------------------------- dispatch */
#define QUEUED 0
#define SUBMITTING 1
#define DOUBT 2
#define SENT 3
#define EXCLUDED 4
#define EXPIRED 5
byte st[NI], cur[NI];        /* durable */
byte cnt[6];                 /* durable counters */
byte nextq;                  /* ids are never used twice, whatever crashes */
byte pq[NI], pr[NI];         /* volatile: request out, ticks to use-by */
byte dw[NI];                 /* volatile: ticks until a "not there" from the provider may be believed */
byte pk[NK], page[NK];       /* volatile: last pull of each connector, ticks since it came */
byte dirty[NI];              /* only mutant M_CNT */

/* ------------------------------------------------------------- connector
   One message in hand at a time. CHECKED: the lease check has passed, nothing written.
   INQ: written, in the kernel's send queue. krem: ticks to use-by + E, when the kernel timer kills it. */
#define IDLE 0
#define CHECKED 1
#define INQ 2
/* kpn: number of the last pull (never restarts); kinc: first pull number of this life; kage: ticks since it was sent */
byte kph[NK], kq[NK], krem[NK], kpn[NK], kinc[NK], kage[NK], seenH[NK], seenR[NK];
byte orphan[NK];             /* only mutant M_LINGER */

/* -------------------------------------------------------------- provider */
byte handed[NI];
#ifdef QUERY
byte nLOOK, nTHERE, nNOT;    /* network: questions and findings */
byte has_it, shown[NQ];      /* provider: accepted ids; ticks until each is shown */
byte asking[NQ];             /* connector, any life: 0 not asked; 1 + ticks until "not there" may be said */
#endif
byte crashes = CRASHES, skips = SKIPS, dups = DUPS;

inline to(i, s) {            /* state and counters change in one commit */
#ifdef M_CNT
  if :: dirty[i] == 0 -> dirty[i] = 1 + st[i] :: else fi;
#else
  cnt[st[i]]--; cnt[s]++;
#endif
  st[i] = s;
  honest(i)
}
/* S2 and S3 as one inductive invariant: what dispatch has on disk is true of the provider. */
inline honest(i) {
  assert(handed[i] <= 1);
#ifndef WEAK
  assert(!((st[i] == QUEUED || st[i] == EXCLUDED || st[i] == EXPIRED) && handed[i] > 0));
  assert(!(st[i] == SENT && handed[i] != 1))
#endif
}
inline audit() {
  d_step {
    byte a0 = 0; byte a1; byte sum = 0;
    do :: a0 < 6 -> sum = sum + cnt[a0]; a0++ :: else -> break od;
    assert(sum == NI);
    a0 = 0;
    do
    :: a0 < 6 ->
       sum = 0; a1 = 0;
       do :: a1 < NI -> sum = sum + (st[a1] == a0 -> 1 : 0); a1++ :: else -> break od;
       assert(sum == cnt[a0]); a0++
    :: else -> break
    od; a0 = 0; a1 = 0; sum = 0
  }
}
inline deliver(q) {          /* the completing byte reaches the provider's TCP: the hand-over */
  handed[qi[q]]++;
#ifdef QUERY
  put(has_it,q); shown[q] = LAG;
#endif
  assert(!(acked && covered(qi[q])));   /* S1 */
  honest(qi[q])
}

/* ================================================================ customer */
#ifdef M_DUPDENY
#define FRESH(q) true
#else
#define FRESH(q) (cP[q] == 0)            /* a repeated request never touches a live entry */
#endif
#ifdef CALM
#define ONCE(q) (!has(nGRANT,q) && !has(nDENY,q))
#else
#define ONCE(q) ((!has(nGRANT,q) && !has(nDENY,q)) || dups > 0)
#endif
proctype Handler(byte q) {
end: do
#ifdef M_LOOKFIRST
  :: atomic { has(nREQ,q) && cPh[q] == 0 && cP[q] == 0 ->
       cPh[q] = ((ledger && covered(qi[q])) -> 3 : 2) }
  :: atomic { cPh[q] >= 2 ->
       if :: cPh[q] == 3 -> put(nDENY,q) :: else -> cP[q] = D; put(nGRANT,q) fi; cPh[q] = 0 }
#else
  :: atomic { has(nREQ,q) && cPh[q] == 0 && FRESH(q) && ONCE(q) && !has(nREL,q) -> if :: has(nGRANT,q) || has(nDENY,q) -> dups-- :: else fi;
       if :: cP[q] == 0 && !acked -> cP[q] = D :: else fi; cPh[q] = 1 }
  :: atomic { cPh[q] == 1 ->
       if
       :: ledger && covered(qi[q]) -> put(nDENY,q); cP[q] = 0; cut(wS,q)
       :: else -> put(nGRANT,q)
       fi; cPh[q] = 0 }
#endif
  :: atomic { has(nREL,q) && cP[q] > 0 && cPh[q] == 0 -> cP[q] = 0; cut(wS,q) }
  od
}

inline scan() {
  wS = 0; s0 = 0;
  do
  :: s0 < NQ -> if
#ifdef M_PERSONONLY
       :: cP[s0] > 0 && qi[s0] == 0 -> put(wS,s0)
#else
       :: cP[s0] > 0 && covered(qi[s0]) -> put(wS,s0)
#endif
       :: else fi; s0++
  :: else -> break
  od; s0 = 0
}
#ifdef M_NOWAIT
#define MAYACK (cOpt == 3)
#else
#ifdef M_LATEREG
#define MAYACK (cOpt == 3 && cWait == 0 && !(cP[0] && covered(qi[0])) && !(cP[NQ-1] && covered(qi[NQ-1])))
#else
#define MAYACK (cOpt == 3 && wS == 0 && cWait == 0)
#endif
#endif

#ifdef M_RESPACK
#define WANTS true
#else
#define WANTS (!acked)
#endif
proctype Ledger() {
  byte s0;
end: do
#ifdef M_RESPACK
  :: atomic { !acked -> acked = true }
#endif
  :: atomic { cOpt == 0 && WANTS -> age = 0;
#ifdef M_ACKDUP
       if :: ledger -> acked = true :: else fi;
#endif
#ifdef M_SCANFIRST
       scan(); cOpt = 1 }
  :: atomic { cOpt == 1 -> ledger = true; cOpt = 3 }
#else
       ledger = true; cOpt = 2 }
  :: atomic { cOpt == 2 -> scan(); cOpt = 3 }
#endif
  :: atomic { MAYACK && !acked -> acked = true }
  od
}

/* ================================================================ dispatch */
#if COVER == 3
#define FIRST(i) (i == 0 || nextq > 0)   /* the intents are alike: let 0 go first */
#else
#define FIRST(i) true
#endif
#ifdef CALM
#define PATIENT (pr[i] == 0)
#else
#define PATIENT true
#endif
#ifdef M_EARLYQUERY
#define MAYASK true
#else
#define MAYASK (dw[i] == 0)
#endif
#ifdef M_FINDMATCH
#define ABSENT ((has(nNOT,0) && qi[0] == i) || (has(nNOT,1) && qi[1] == i))
#else
#define ABSENT has(nNOT,cur[i])
#endif
#ifdef M_MATCH
#define REFUSED ((has(nREFUSED,0) && qi[0] == i) || (has(nREFUSED,1) && qi[1] == i) || (has(nREFUSED,2) && qi[2] == i))
#else
#define REFUSED has(nREFUSED,cur[i])
#endif
inline send(k) {
  q = cur[i]; qk[q] = k; qpull[q] = pk[k];
#ifdef M_RECEIPT
  qL[q] = pr[i];
#else
  qL[q] = pr[i] + page[k];               /* end of the lease, counted from when that pull came */
#endif
#ifdef M_EARLYREL
  put(nREL,q);
#endif
  put(nATT,q); pk[k] = NONE; page[k] = 0; q = 0
}
proctype Dispatch(byte i) {
  byte q;
end: do
  :: atomic { st[i] == QUEUED && pq[i] == NONE && nextq < NQ && FIRST(i) ->
       q = nextq; nextq++; qi[q] = i; pq[i] = q; pr[i] = U; put(nREQ,q); q = 0 }
  :: atomic { st[i] == QUEUED && pq[i] != NONE && has(nDENY,pq[i]) -> pq[i] = NONE; pr[i] = 0; to(i, EXCLUDED) }
#ifdef M_GRANTTIME
  :: atomic { st[i] == QUEUED && pq[i] != NONE && has(nGRANT,pq[i]) -> pr[i] = U;
#else
  :: atomic { st[i] == QUEUED && pq[i] != NONE && has(nGRANT,pq[i]) && pr[i] > 0 ->
#endif
       cur[i] = pq[i]; to(i, SUBMITTING) }                       /* durable, before anything leaves */
  :: atomic { st[i] == QUEUED && pq[i] != NONE && pr[i] == 0 -> pq[i] = NONE }
  :: atomic { st[i] == QUEUED && pq[i] == NONE && nextq == NQ -> to(i, EXPIRED) }
  :: atomic { st[i] == SUBMITTING && pq[i] == cur[i] && !has(nATT,cur[i]) && pr[i] > 0 && pk[0] != NONE -> send(0) }
#if NK > 1
  :: atomic { st[i] == SUBMITTING && pq[i] == cur[i] && !has(nATT,cur[i]) && pr[i] > 0 && pk[1] != NONE -> send(1) }
#endif
  :: atomic { st[i] == SUBMITTING && pq[i] == cur[i] && !has(nATT,cur[i]) && pr[i] == 0 ->   /* this life knows it never sent it */
       put(nREL,cur[i]); pq[i] = NONE; to(i, QUEUED) }
  :: atomic { (st[i] == SUBMITTING || st[i] == DOUBT) && has(nHANDED,cur[i]) ->
       put(nREL,cur[i]); pq[i] = NONE; pr[i] = 0; dw[i] = 0; to(i, SENT) }
  :: atomic { (st[i] == SUBMITTING || st[i] == DOUBT) && REFUSED ->
       put(nREL,cur[i]); pq[i] = NONE; pr[i] = 0; dw[i] = 0; to(i, QUEUED) }
  :: atomic { st[i] == SUBMITTING && pq[i] == cur[i] && has(nATT,cur[i]) && PATIENT -> pq[i] = NONE; pr[i] = 0; dw[i] = DW;                  /* stream lost or no answer */
#ifdef M_DOUBTREL
       put(nREL,cur[i]);
#endif
       to(i, DOUBT) }
#ifdef QUERY
  :: atomic { st[i] == DOUBT && MAYASK && !has(nLOOK,cur[i]) -> put(nLOOK,cur[i]) }
  :: atomic { st[i] == DOUBT && has(nTHERE,cur[i]) -> put(nREL,cur[i]); dw[i] = 0; to(i, SENT) }
  :: atomic { st[i] == DOUBT && ABSENT -> put(nREL,cur[i]); dw[i] = 0; to(i, QUEUED) }
#endif
#ifdef M_CNT
  :: atomic { dirty[i] > 0 -> cnt[dirty[i]-1]--; cnt[st[i]]++; dirty[i] = 0 }
#endif
  od
}

proctype Pulls(byte k) {
end: do
  :: atomic { has(nPULL[k],1) && pk[k] == NONE -> pk[k] = 1; page[k] = 0;
       if :: cut(nPULL[k],1) :: dups > 0 -> dups-- fi }
  :: atomic { has(nPULL[k],2) && pk[k] == NONE -> pk[k] = 2; page[k] = 0;
       if :: cut(nPULL[k],2) :: dups > 0 -> dups-- fi }
  od
}

#ifdef QUERY
#ifdef M_NOLAG
#define PATIENCE 0
#else
#define PATIENCE LAG
#endif
#define FOUND(q) (has(nTHERE,q) || has(nNOT,q))
proctype LookUps(byte q) {   /* crashes of connectors lose `asking`: the question is put again */
end: do
  :: atomic { has(nLOOK,q) && asking[q] == 0 && !FOUND(q) -> asking[q] = 1 + PATIENCE }
  :: atomic { asking[q] > 0 && has(has_it,q) && shown[q] == 0 -> put(nTHERE,q); asking[q] = 0 }
  :: atomic { asking[q] == 1 && !(has(has_it,q) && shown[q] == 0) -> put(nNOT,q); asking[q] = 0 }
  od
}
#endif

/* =============================================================== connector */
#ifdef M_NOFENCE
#define MYLIFE(q) true
#else
#define MYLIFE(q) (qpull[q] >= kinc[k])
#endif
#define mine(q) (has(nATT,q) && qk[q] == k && MYLIFE(q) && !has(seenH[k],q) && !has(seenR[k],q) && !(kph[k] != IDLE && kq[k] == q))

inline receive(q) {
  if
#ifdef M_NOFENCE
  :: kph[k] == IDLE && qL[q] > 0 ->                /* takes whatever comes, lease counted from receipt */
       kph[k] = CHECKED; kq[k] = q; krem[k] = qL[q] + E
#else
#ifdef M_RECEIPT
  :: kph[k] == IDLE && qpull[q] == kpn[k] && kage[k] < PM && qL[q] > 0 ->
       kph[k] = CHECKED; kq[k] = q; krem[k] = qL[q] + E; kage[k] = PM
#else
  :: kph[k] == IDLE && qpull[q] == kpn[k] && kage[k] < PM && qL[q] > kage[k] ->
       kph[k] = CHECKED; kq[k] = q; krem[k] = qL[q] - kage[k] + E; kage[k] = PM
#endif
#endif
  :: else -> put(seenR[k],q); put(nREFUSED,q)       /* this life never handed it over and never will */
  fi
}

#ifdef CALM
#define MAYREFUSE false
#else
#define MAYREFUSE true
#endif
#ifdef M_NOSEEN
#define SEEN(q) skip
#else
#define SEEN(q) put(seenH[k],q)
#endif
proctype Connector(byte k) {
end: do
  :: atomic { kph[k] == IDLE && kpn[k] < NP && (k == 0 || kpn[0] > 0) && (kpn[k] < kinc[k] || kage[k] == PM) ->
       kpn[k]++; kage[k] = 0; put(nPULL[k],kpn[k]) }
#ifdef M_OLDREFUSE
  :: atomic { has(nATT,0) && qk[0] == k && qpull[0] < kinc[k] -> put(nREFUSED,0) }
#endif
  :: atomic { mine(0) -> receive(0) }
#if NQ > 1
  :: atomic { mine(1) -> receive(1) }
#endif
#if NQ > 2
  :: atomic { mine(2) -> receive(2) }
#endif
#if NQ > 3
  :: atomic { mine(3) -> receive(3) }
#endif
  :: atomic { kph[k] == CHECKED && MAYREFUSE ->                    /* no route: nothing was written */
       put(seenR[k],kq[k]); put(nREFUSED,kq[k]); kph[k] = IDLE; kq[k] = 0; krem[k] = 0 }
  :: atomic { kph[k] == CHECKED -> kph[k] = INQ }                   /* write(2) */
  :: atomic { kph[k] == INQ -> deliver(kq[k]); SEEN(kq[k]); put(nHANDED,kq[k]);
       kph[k] = IDLE; kq[k] = 0; krem[k] = 0 }
#ifdef M_LINGER
  :: atomic { orphan[k] > 0 -> deliver(orphan[k]-1); orphan[k] = 0 }
#endif
  od
}

/* ================================================================== faults */
inline killConnector(k) {
#ifdef M_LINGER
  if :: kph[k] == INQ -> orphan[k] = 1 + kq[k] :: else fi;
#endif
  kph[k] = IDLE; kq[k] = 0; krem[k] = 0; seenH[k] = 0; seenR[k] = 0; kinc[k] = kpn[k] + 1; kage[k] = PM
#ifdef QUERY
  ; asking[0] = 0; asking[NQ-1] = 0
#endif
}
inline killCustomer() {
  f = 0; do :: f < NQ -> cP[f] = 0; cPh[f] = 0; f++ :: else -> break od; f = 0;
  cOpt = 0; wS = 0; age = 0;
#ifdef M_NORESTARTWAIT
  cWait = 0
#else
  cWait = D
#endif
}
inline killDispatch() {
  f = 0;
  do
  :: f < NI ->
       pq[f] = NONE; pr[f] = 0; dw[f] = 0;
#ifdef M_CNT
       dirty[f] = 0;
#endif
       if
#ifdef M_REGRANT
       :: st[f] == SUBMITTING -> to(f, QUEUED)
#else
#ifdef M_LATEWRITE
       :: st[f] == SUBMITTING -> to(f, QUEUED)   /* the row had not reached the disk */
#endif
       :: st[f] == SUBMITTING -> dw[f] = DW; to(f, DOUBT)
#endif
       :: st[f] == DOUBT -> dw[f] = DW
       :: else
       fi; f++
  :: else -> break
  od; f = 0;
  do :: f < NK -> pk[f] = NONE; page[f] = 0; f++ :: else -> break od; f = 0
#ifdef M_IDREUSE
  ; do
  :: nextq > 0 && !(cur[0] == nextq-1) && !(cur[NI-1] == nextq-1) -> nextq--
  :: else -> break
  od
#endif
}
proctype Faults() {
  byte f;
end: do
  :: atomic { crashes > 0 && !acked && (cP[0] || cP[NQ/2] || cP[NQ-1] || cOpt) -> crashes--; killCustomer() }
  :: atomic { crashes > 0 && (pq[0] != NONE || pq[NI-1] != NONE) -> crashes--; killDispatch() }
  :: atomic { crashes > 0 && (kpn[0] >= kinc[0]) -> crashes--; killConnector(0) }
#if NK > 1
  :: atomic { crashes > 0 && (kpn[1] >= kinc[1]) -> crashes--; killConnector(1) }
#endif
  od
}

/* ==================================================================== time
   DEADMAN: at use-by + E the kernel kills the connector and throws its send queue away, even if it is stopped. */
#ifdef M_PAUSE
#define DEADMAN(k) (kph[k] == INQ)
#else
#ifdef M_SOCKBUF
#define DEADMAN(k) (kph[k] == CHECKED)
#else
#define DEADMAN(k) (kph[k] == CHECKED || kph[k] == INQ)
#endif
#endif

#ifdef M_CNT
#define AUDIT if :: dirty[0] == 0 && dirty[NI-1] == 0 -> audit() :: else fi
#else
#define AUDIT audit()
#endif

inline down(x) { if :: x > 0 -> x-- :: else fi }
inline tickK(k) {
  if :: kage[k] < PM -> kage[k]++ :: else fi;
  if
  :: krem[k] > 0 -> krem[k]--; if :: krem[k] == 0 && DEADMAN(k) -> killConnector(k) :: else fi
  :: else
  fi
}
inline tick() {
  t = 0;
  do
  :: t < NQ -> if
#ifndef M_NOEXPIRE
       :: cP[t] > 0 -> cP[t]--; if :: cP[t] == 0 -> cut(wS,t) :: else fi
#endif
       :: else fi;
#ifdef QUERY
       down(shown[t]); if :: asking[t] > 1 -> asking[t]-- :: else fi;
#endif
       t++
  :: else -> break
  od;
  down(cWait);
  t = 0; do :: t < NI -> down(pr[t]); down(dw[t]); t++ :: else -> break od;
  t = 0;
  do
  :: t < NK ->
       if :: pk[t] != NONE -> page[t]++; if :: page[t] > PM -> pk[t] = NONE; page[t] = 0 :: else fi :: else fi;
       if
       :: tickK(t)
#ifdef M_FREEZE
       :: skip
#else
       :: skips > 0 -> skips--
#endif
       fi; t++
  :: else -> break
  od; t = 0;
#ifdef REACH
  assert(!(acked && handed[0] == 1 && st[0] == SENT && nextq == NQ && crashes < CRASHES));
#endif
#ifdef BOUND
  if :: cOpt >= 1 && !acked -> age++; assert(age <= D) :: else fi;
#endif
  AUDIT
}

#ifdef BOUND                 /* customer and the requester are prompt; everything else may be dead */
#define MAYTICK (!(MAYACK && !acked) && !(cOpt == 0 && !acked) && !(cOpt == 1) && !(cOpt == 2))
#else
#ifdef CALM
#define MAYTICK timeout
#else
#define MAYTICK true
#endif
#endif
#ifdef QUERY
#define LOOKING (shown[0] || shown[NQ-1] || asking[0] > 1 || asking[NQ-1] > 1)
#else
#define LOOKING false
#endif
#define RUNNING (cWait || cP[0] || cP[NQ/2] || cP[NQ-1] || pr[0] || pr[NI-1] || dw[0] || dw[NI-1] || krem[0] || krem[NK-1] || kage[0] < PM || kage[NK-1] < PM || pk[0] != NONE || pk[NK-1] != NONE || LOOKING)

proctype Time() {
  byte t;
end: do
  :: atomic { MAYTICK && RUNNING -> tick() }
#ifdef CALM
  :: atomic { timeout && !RUNNING ->
       t = 0;
       do
       :: t < NI -> assert(st[t] == SENT || (st[t] == EXCLUDED && covered(t))); t++
       :: else -> break
       od; t = 0; assert(acked); audit(); break }
#endif
  od
}

init {
  byte n;
  atomic {
    n = 0; do :: n < NI -> pq[n] = NONE; cur[n] = NONE; n++ :: else -> break od;
    n = 0; do :: n < NK -> pk[n] = NONE; kage[n] = PM; kinc[n] = 1; n++ :: else -> break od;
    cnt[QUEUED] = NI;
    n = 0; do :: n < NQ -> run Handler(n); n++ :: else -> break od;
#ifdef QUERY
    n = 0; do :: n < NQ -> run LookUps(n); n++ :: else -> break od;
#endif
    run Ledger();
    n = 0; do :: n < NI -> run Dispatch(n); n++ :: else -> break od;
    n = 0; do :: n < NK -> run Pulls(n); run Connector(n); n++ :: else -> break od;
    run Faults();
    run Time();
    n = 0
  }
}
