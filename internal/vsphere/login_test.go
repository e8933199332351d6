package vsphere_test

import (
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/vic-preflight/vic-preflight/internal/vsphere"
)

var _ = It("a password that was refused is tried once", func(ctx SpecContext) {
	vc := start("open")
	cfg := config(vc)
	cfg.Password = "wrong"
	_, err := vsphere.Connect(ctx, cfg)
	var refused *vsphere.LoginError
	Expect(errors.As(err, &refused)).To(BeTrue(), "%v", err)
	Expect(vc.RequestsOf("Login")).To(Equal(1), "servers lock accounts out")
}, SpecTimeout(time.Minute))
