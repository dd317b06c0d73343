package main

import (
	"cmp"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// A target is a server under load.
type target struct {
	addr string // host:port
	key  string
	tls  *tls.Config // nil: plain HTTP
	proc *process
	ids  *ids

	pay, create, confirm, retrieve, list10, list100 *request
}

// A payment as a merchant's server sends it, at once or in two steps.
const (
	payForm     = "amount=2000&currency=usd&payment_method_types[]=card&payment_method=pm_card_visa&confirm=true"
	createForm  = "amount=2000&currency=usd&payment_method_types[]=card"
	confirmForm = "payment_method=pm_card_visa"
	intents     = "/v1/payment_intents"
)

func newTarget(addr, key string, conf *tls.Config, proc *process, known *ids) *target {
	t := &target{addr: addr, key: key, tls: conf, proc: proc, ids: known}
	t.pay = t.post(intents, "", payForm)
	t.create = t.post(intents, "", createForm)
	t.confirm = t.post(intents+"/", "/confirm", confirmForm)
	t.retrieve = t.get(intents+"/", "")
	t.list10 = t.get(intents+"?limit=10", "")
	t.list100 = t.get(intents+"?limit=100", "")
	return t
}

// ids are the payment intents that reads choose from.
type ids struct {
	mu   sync.Mutex
	list [][]byte // replaced, never changed
}

const mostIDs = 10_000

func (k *ids) add(more [][]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := append(append([][]byte(nil), k.list...), more...)
	k.list = list[max(0, len(list)-mostIDs):]
}

func (k *ids) all() [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.list
}

// A worker is one connection's load.
type worker struct {
	t      *target
	c      *client
	ids    [][]byte
	chance rand.PCG
	key    [36]byte
	out    []byte
	turn   int
	until  time.Time // when a request is given up

	made      []made
	keepTimes bool
}

// made is a payment that was answered.
type made struct {
	id []byte
	at time.Time // of the answer; only if asked for
}

// A workload does one thing that is counted and timed.
type workload func(w *worker) error

func pay(w *worker) error {
	body, err := w.send(w.t.pay, nil)
	if err != nil {
		return err
	}
	return w.paid(body)
}

func createThenConfirm(w *worker) error {
	body, err := w.send(w.t.create, nil)
	if err != nil {
		return err
	}
	id := append([]byte(nil), idOf(body)...)
	if body, err = w.send(w.t.confirm, id); err != nil {
		return err
	}
	return w.paid(body)
}

// createIntent makes an intent that nobody pays yet: what peers do, too.
func createIntent(w *worker) error {
	_, err := w.send(w.t.create, nil)
	return err
}

func retrieve(w *worker) error {
	_, err := w.send(w.t.retrieve, w.ids[w.chance.Uint64()%uint64(len(w.ids))])
	return err
}

func list10(w *worker) error {
	_, err := w.send(w.t.list10, nil)
	return err
}

func list100(w *worker) error {
	_, err := w.send(w.t.list100, nil)
	return err
}

// mix is one payment to sixteen reads, two of which are lists of ten.
func mix(w *worker) error {
	w.turn++
	switch w.turn % 17 {
	case 0:
		return pay(w)
	case 5, 11:
		return list10(w)
	}
	return retrieve(w)
}

// paid takes note of a payment.
func (w *worker) paid(body []byte) error {
	id := idOf(body)
	if id == nil {
		return fmt.Errorf("an answer without an id: %.200q", body)
	}
	m := made{id: append([]byte(nil), id...)}
	if w.keepTimes {
		m.at = time.Now()
	}
	w.made = append(w.made, m)
	return nil
}

// refused is an answer other than 200.
type refused struct {
	status int
	body   []byte
}

func (r refused) Error() string { return fmt.Sprintf("status %d: %.600s", r.status, r.body) }

func (w *worker) send(r *request, id []byte) ([]byte, error) {
	if w.c == nil {
		c, err := dial(w.t)
		if err != nil {
			return nil, err
		}
		c.conn.SetDeadline(w.until)
		w.c = c
	}
	w.out = r.fill(w.out[:0], id, w.newKey(r))
	a, err := w.c.do(w.out)
	if err != nil {
		w.close()
		return nil, err
	}
	if a.status != 200 {
		return nil, refused{a.status, append([]byte(nil), a.body...)}
	}
	return a.body, nil
}

func (w *worker) close() {
	if w.c != nil {
		w.c.conn.Close()
		w.c = nil
	}
}

// newKey makes an idempotency key as the SDKs do, a random UUID.
func (w *worker) newKey(r *request) []byte {
	if r.between == nil {
		return nil // it has no such header
	}
	var u [16]byte
	for i, a, b := 0, w.chance.Uint64(), w.chance.Uint64(); i < 8; i++ {
		u[i], u[8+i] = byte(a>>(8*i)), byte(b>>(8*i))
	}
	k := &w.key
	hex.Encode(k[0:8], u[0:4])
	hex.Encode(k[9:13], u[4:6])
	hex.Encode(k[14:18], u[6:8])
	hex.Encode(k[19:23], u[8:10])
	hex.Encode(k[24:36], u[10:16])
	k[8], k[13], k[18], k[23], k[14] = '-', '-', '-', '-', '4'
	return k[:]
}

// A load is what is asked of a target.
type load struct {
	work      workload
	conns     int
	warm, run time.Duration
	keepTimes bool
	during    func() // called when the counting begins
}

// An outcome is what a load came to.
type outcome struct {
	done     int64         // within the time that counts
	all      int64         // with what was done while warming up, and after
	took     time.Duration // the time that counts
	latency  hist
	errors   int64
	firstErr error
	made     []made
}

// put loads the target, and returns when every request that was begun has been answered.
func (t *target) put(l load) (*outcome, error) {
	workers := make([]*worker, l.conns)
	for i := range workers {
		w := &worker{t: t, ids: t.ids.all(), keepTimes: l.keepTimes, turn: i, until: time.Now().Add(l.warm + l.run + 20*time.Second)}
		w.chance.Seed(rand.Uint64(), rand.Uint64())
		c, err := dial(t)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", err)
		}
		c.conn.SetDeadline(w.until)
		w.c = c
		defer w.close()
		workers[i] = w
	}
	begin := time.Now().Add(l.warm)
	end := begin.Add(l.run)
	outcomes := make([]outcome, l.conns)
	var wg sync.WaitGroup
	for i, w := range workers {
		wg.Go(func() { w.loop(l.work, begin, end, &outcomes[i]) })
	}
	if l.during != nil {
		time.Sleep(time.Until(begin))
		l.during()
	}
	wg.Wait()
	total := &outcome{took: l.run}
	for i := range outcomes {
		o := &outcomes[i]
		total.done += o.done
		total.all += o.all
		total.errors += o.errors
		total.latency.merge(&o.latency)
		total.made = append(total.made, workers[i].made...)
		if total.firstErr == nil {
			total.firstErr = o.firstErr
		}
	}
	recent := make([][]byte, 0, mostIDs)
	for _, m := range total.made[max(0, len(total.made)-mostIDs):] {
		recent = append(recent, m.id)
	}
	t.ids.add(recent)
	if total.done == 0 {
		return nil, fmt.Errorf("nothing was answered in time: %w", cmp.Or(total.firstErr, errors.New("each took longer")))
	}
	return total, nil
}

func (w *worker) loop(work workload, begin, end time.Time, o *outcome) {
	for from := time.Now(); from.Before(end); {
		err := work(w)
		now := time.Now()
		switch {
		case err != nil:
			o.errors++
			if o.firstErr == nil {
				o.firstErr = err
			}
			if !errors.As(err, new(refused)) {
				time.Sleep(10 * time.Millisecond) // so that a server that is gone is not hammered
			}
		case now.After(begin) && !now.After(end):
			o.done++
			o.all++
			o.latency.add(now.Sub(from))
		default:
			o.all++
		}
		from = now
	}
}
