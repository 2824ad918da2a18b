package chargebeetest

import (
	"fmt"
	"slices"

	chargebee "github.com/typedbee/chargebee-go"
)

// AddCustomer adds a customer who can log in at LoginURL. It returns an error if
// the ID is already taken, empty or longer than 50 characters.
func (s *Server) AddCustomer(customerID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !isCustomerID(customerID):
		return fmt.Errorf("chargebeetest: customer %q must have an ID of 1 to 50 characters", customerID)
	case slices.Contains(s.customers, customerID):
		return fmt.Errorf("chargebeetest: customer %q already exists", customerID)
	}
	s.customers = append(s.customers, customerID)
	s.knowCustomer(customerID)
	return nil
}

// SetLinkedCustomers sets the linked customers in the portal sessions of a customer,
// also in those that exist. They include the customer itself only if it is given.
// Without a call, they are the customer itself, without an email address and with all
// flags false.
//
// It returns an error if the customer was not added and has no session, if an ID does not
// have 1 to 50 characters, or if an email address has more than 70.
func (s *Server) SetLinkedCustomers(customerID string, linked ...chargebee.LinkedCustomer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isKnownCustomer(customerID) {
		return fmt.Errorf("chargebeetest: customer %q does not exist", customerID)
	}
	for _, l := range linked {
		switch {
		case !isCustomerID(l.CustomerID):
			return fmt.Errorf("chargebeetest: linked customer %q must have an ID of 1 to 50 characters", l.CustomerID)
		case isLonger(l.Email, 70):
			return fmt.Errorf("chargebeetest: linked customer %q must have an email address of at most 70 characters", l.CustomerID)
		}
	}
	s.linkedCustomers[customerID] = slices.Clone(linked)
	return nil
}

func isCustomerID(id string) bool { return id != "" && !isLonger(id, 50) }

// knowCustomer makes a customer known, with the default linked customers.
func (s *Server) knowCustomer(customerID string) {
	if !s.isKnownCustomer(customerID) {
		s.linkedCustomers[customerID] = []chargebee.LinkedCustomer{{CustomerID: customerID}}
	}
}

func (s *Server) isKnownCustomer(customerID string) bool {
	_, isKnown := s.linkedCustomers[customerID]
	return isKnown
}

func (s *Server) customerIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.customers)
}
