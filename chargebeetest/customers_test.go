package chargebeetest_test

import (
	"errors"
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	chargebee "github.com/typedbee/chargebee-go"
	"github.com/typedbee/chargebee-go/chargebeetest"
)

func TestInvalidCustomersAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	require.EqualError(t, server.AddCustomer("zoe"), `chargebeetest: customer "zoe" already exists`)
	require.NoError(t, server.AddCustomer(strings.Repeat("ä", 50)))
	long := strings.Repeat("ä", 51)
	require.EqualError(t, server.AddCustomer(long), `chargebeetest: customer "`+long+`" must have an ID of 1 to 50 characters`)
	require.EqualError(t, server.AddCustomer(""), `chargebeetest: customer "" must have an ID of 1 to 50 characters`)
}

func TestSessionHasTheLinkedCustomersOfItsCustomer(t *testing.T) {
	t.Parallel()
	server, client := newServer(t)
	login := server.AddPortalSession("zoe")
	retrieve := func() []chargebee.LinkedCustomer {
		resp, err := client.PortalSessions.RetrievePortalSession(t.Context(), login.SessionID)
		require.NoError(t, err)
		session, _ := server.PortalSession(login.SessionID)
		require.Equal(t, session, resp.PortalSession)
		return resp.PortalSession.LinkedCustomers
	}
	require.Equal(t, []chargebee.LinkedCustomer{{CustomerID: "zoe"}}, retrieve())

	linked := []chargebee.LinkedCustomer{
		{CustomerID: "zoe", Email: "zoe@example.com", HasBillingAddress: true, HasPaymentMethod: true, HasActiveSubscription: true},
		{CustomerID: "max"},
	}
	require.NoError(t, server.SetLinkedCustomers("zoe", linked...))
	require.Equal(t, linked, retrieve())
	require.NoError(t, server.AddCustomer("zoe")) // changes nothing
	linked[0].Email = "changed@example.com"
	session, _ := server.PortalSession(login.SessionID)
	session.LinkedCustomers[1].Email = "changed@example.com"
	require.Equal(t, "zoe@example.com", retrieve()[0].Email)
	require.Empty(t, retrieve()[1].Email)

	require.NoError(t, server.SetLinkedCustomers("zoe"))
	require.Empty(t, retrieve())
}

func TestInvalidLinkedCustomersAreRejected(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t)
	require.NoError(t, server.AddCustomer("zoe"))
	long := strings.Repeat("ä", 51)
	for message, test := range map[string]struct {
		customer string
		linked   chargebee.LinkedCustomer
	}{
		`customer "max" does not exist`:                                             {"max", chargebee.LinkedCustomer{CustomerID: "max"}},
		`linked customer "" must have an ID of 1 to 50 characters`:                  {"zoe", chargebee.LinkedCustomer{Email: "zoe@example.com"}},
		`linked customer "` + long + `" must have an ID of 1 to 50 characters`:      {"zoe", chargebee.LinkedCustomer{CustomerID: long}},
		`linked customer "zoe" must have an email address of at most 70 characters`: {"zoe", chargebee.LinkedCustomer{CustomerID: "zoe", Email: strings.Repeat("e", 71)}},
	} {
		require.EqualError(t, server.SetLinkedCustomers(test.customer, test.linked), "chargebeetest: "+message)
	}
	login := server.AddPortalSession("zoe")
	session, _ := server.PortalSession(login.SessionID)
	require.Equal(t, []chargebee.LinkedCustomer{{CustomerID: "zoe"}}, session.LinkedCustomers)
}

func ExampleServer_SetLinkedCustomers() {
	server := chargebeetest.NewServer()
	defer server.Close()
	err := errors.Join(
		server.AddCustomer("zoe"),
		server.SetLinkedCustomers("zoe", chargebee.LinkedCustomer{CustomerID: "zoe", Email: "zoe@example.com", HasActiveSubscription: true}))
	if err != nil {
		log.Fatal(err)
	}
	session, _ := server.PortalSession(server.AddPortalSession("zoe").SessionID)
	fmt.Println(session.LinkedCustomers[0].Email)
	// Output:
	// zoe@example.com
}
