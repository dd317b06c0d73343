package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// How long a client may take, where a test does not say otherwise. A client that is slower is let go, so that many slow ones do not use up the server.
const (
	headerTime  = 10 * time.Second // to send the head of a request
	requestTime = 60 * time.Second // to send all of it
	answerTime  = 2 * time.Minute  // from the head of a request to the end of its answer
	idleTime    = 3 * time.Minute  // between two requests; official SDKs keep a connection for up to two
)

const (
	maxHeader    = 64 << 10         // bytes of a request's head; the API itself refuses a request line of 16 KiB
	patience     = 15 * time.Second // for requests that are being answered when the server is told to stop
	privateNames = "127.0.0.1, ::1 and localhost"
)

// A listening is one HTTP server and its sockets.
type listening struct {
	http    *http.Server
	sockets []net.Listener
}

// patiences are how long a client may take.
type patiences struct{ header, request, answer, idle time.Duration }

// Addresses are where a server is reached.
type Addresses struct {
	HTTP  string `json:"http,omitempty"`  // base URL; "" if there is none
	HTTPS string `json:"https,omitempty"` // base URL; "" if there is none
	CA    string `json:"ca,omitempty"`    // path of the authority to trust; "" if the certificate needs none
	Admin string `json:"admin,omitempty"` // base URL for operators; "" if there is none
}

// Start listens, and begins the work that is done in the background. When it returns the server answers.
func (s *Server) Start() (*Addresses, error) {
	at := &Addresses{}
	if s.cfg.HTTP != "" {
		l, err := s.listen(s.cfg.HTTP, nil)
		if err != nil {
			return nil, fmt.Errorf("listen for HTTP: %w", err)
		}
		at.HTTP = "http://" + l.name("")
	}
	if s.cfg.HTTPS != "" {
		certs, err := s.openCertificates()
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		s.tls = certs
		l, err := s.listen(s.cfg.HTTPS, certs.config)
		if err != nil {
			return nil, fmt.Errorf("listen for HTTPS: %w", err)
		}
		at.HTTPS, at.CA = "https://"+l.name(s.publicName()), certs.caPath
	}
	if s.cfg.Data != "" && !s.cfg.Memory {
		a, err := s.openAdmin(at)
		if err != nil {
			return nil, fmt.Errorf("listen for commands: %w", err)
		}
		s.admin = a
	}
	if s.cfg.Admin != "" {
		l, err := s.openWatch()
		if err != nil {
			return nil, fmt.Errorf("listen for operators: %w", err)
		}
		s.port, at.Admin = l, "http://"+l.sockets[0].Addr().String()
	}
	s.App.Base = at.HTTPS
	if at.HTTP != "" && len(s.cfg.Domains) == 0 {
		s.App.Base = at.HTTP // a browser that does not know the local authority opens pages all the same
	}
	s.Work()
	for _, l := range s.listening {
		l.serve(s.log)
	}
	return at, nil
}

func (s *Server) publicName() string {
	if len(s.cfg.Domains) > 0 {
		return s.cfg.Domains[0]
	}
	return ""
}

// open opens the sockets of an address. "localhost" is both of the machine's own addresses, since clients differ in which they try; one that
// another program has would get our clients' keys, so that is refused.
func open(address string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q is not HOST:PORT", address)
	}
	if host != "localhost" {
		l, err := net.Listen("tcp", address)
		return []net.Listener{l}, err
	}
	for tries := 0; ; tries++ {
		four, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, err
		}
		six, err := net.Listen("tcp", net.JoinHostPort("::1", strconv.Itoa(four.Addr().(*net.TCPAddr).Port)))
		switch {
		case err == nil:
			return []net.Listener{four, six}, nil
		case !errors.Is(err, syscall.EADDRINUSE):
			return []net.Listener{four}, nil // a machine without IPv6
		}
		four.Close()
		if port != "0" || tries == 10 {
			return nil, err
		}
	}
}

// listen opens the sockets of an address; serve serves from them.
func (s *Server) listen(address string, conf *tls.Config) (*listening, error) {
	sockets, err := open(address)
	if err != nil {
		return nil, err
	}
	l := &listening{sockets: sockets}
	for i, socket := range sockets {
		sockets[i] = s.crowd.listener(socket)
		if conf != nil {
			sockets[i] = tls.NewListener(sockets[i], conf)
		} else if !socket.Addr().(*net.TCPAddr).IP.IsLoopback() && !s.cfg.AllowInsecureHTTP {
			l.close()
			return nil, fmt.Errorf("%s can be reached from other machines, and keys would travel in clear: use HTTPS there, an address of this machine (%s), or --allow-insecure-http for test keys in a network of your own", address, privateNames)
		}
	}
	l.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.patience.header,
		ReadTimeout:       s.patience.request,
		WriteTimeout:      s.patience.answer,
		IdleTimeout:       s.patience.idle,
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.crowd.changed,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // what clients do wrong: broken handshakes, and the like
	}
	s.listening = append(s.listening, l)
	return l, nil
}

// name is the host and port that clients use. public is the name that the world knows the server by, if any.
func (l *listening) name(public string) string {
	at := l.sockets[0].Addr().(*net.TCPAddr)
	switch {
	case public != "" && at.Port == 443:
		return public
	case public != "":
		return net.JoinHostPort(public, strconv.Itoa(at.Port))
	case at.IP.IsLoopback() || at.IP.IsUnspecified():
		return net.JoinHostPort("localhost", strconv.Itoa(at.Port))
	}
	return at.String()
}

// serve answers on all sockets, in the background.
func (l *listening) serve(log *slog.Logger) {
	for _, socket := range l.sockets {
		go func() {
			if err := l.http.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
				log.Error("a listener ended", "address", socket.Addr().String(), "cause", err)
			}
		}()
	}
}

func (l *listening) close() {
	for _, socket := range l.sockets {
		socket.Close()
	}
}

// stopListening takes no more requests, and waits for those that are being answered, but not for ever.
func (s *Server) stopListening() error {
	if s.admin != nil {
		s.admin.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	for _, l := range s.listening {
		if err := l.http.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("requests were still being answered after %v: %w", patience, err), l.http.Close())
		}
		l.close() // of sockets that were never served from
	}
	s.listening = nil
	return errors.Join(errs...)
}
